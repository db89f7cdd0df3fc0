// SPDX-License-Identifier: MIT
//
// What JavaScript programs use: lru-cache, as it is written for memoization by its users. One round,
// as bench_driver does it, and prints the same JSON object.
//
//     rival_npm.js MODE SHAPE SEED N_KEYS N_BATCHES N_PASSES
//
// SHAPE is "double" always; MODE is hits, misses or memory.
"use strict";
const LRU = require("lru-cache");

const [mode, , seed, nKeys, nBatches, nPasses] =
    process.argv.slice(2).map((word, i) => (i < 2 ? word : Number(word)));
let nReal = 0;
let state = seed >>> 0;

function bits() { // 32 of them: a counter, mixed
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
}

function random() { // below 1
    return (bits() * 2 ** 20 + (bits() >>> 12)) / 2 ** 52;
}

function real(x) {
    nReal++;
    return x * 2 + 1;
}

const cache = new LRU({ max: nKeys });

function f(x) {
    let value = cache.get(x);
    if (value === undefined) {
        value = real(x);
        cache.set(x, value);
    }
    return value;
}

function fresh() {
    const keys = new Float64Array(nKeys);
    for (let i = 0; i < nKeys; i++) {
        keys[i] = (1 + random()) * 2 ** 20;
    }
    return keys;
}

function shuffle(keys) {
    for (let i = keys.length; i > 1; i--) {
        const j = Math.floor(random() * i);
        [keys[i - 1], keys[j]] = [keys[j], keys[i - 1]];
    }
}

function loop(keys, passes) {
    const began = process.hrtime.bigint();
    let sum = 0;
    for (let pass = 0; pass < passes; pass++) {
        for (let i = 0; i < keys.length; i++) {
            sum += f(keys[i]);
        }
    }
    if (Number.isNaN(sum)) {
        throw new Error("a wrong answer");
    }
    return Number(process.hrtime.bigint() - began) / (keys.length * passes);
}

let keys = fresh();
let nCalls = nKeys;
const values = [];
if (mode === "memory") {
    const before = process.memoryUsage().rss;
    loop(keys, 1);
    values.push((process.memoryUsage().rss - before) / nKeys);
} else {
    loop(keys, 1);
    for (let i = 0; i < nBatches; i++) {
        const passes = mode === "hits" ? nPasses : 1;
        if (mode === "misses") {
            keys = fresh();
        } else {
            shuffle(keys);
        }
        values.push(loop(keys, passes));
        nCalls += nKeys * passes;
    }
}
values.sort((a, b) => a - b);
console.log(JSON.stringify({
    value: values[Math.floor(values.length / 2)], calls: nCalls, real: nReal}));
