// SPDX-License-Identifier: MIT
// A job for node.
'use strict';
const child = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const zlib = require('zlib');
const {Worker, isMainThread, parentPort, workerData} = require('worker_threads');

if (!isMainThread) {
    let sum = 0;
    for (let i = 0; i < 200000; i++) {
        sum = (sum * 31 + i * workerData) % 1000003;
    }
    parentPort.postMessage(sum);
} else {
    const words = [];
    let seed = 42;
    for (let i = 0; i < 20000; i++) {
        seed = (seed * 16807) % 2147483647;
        words.push('w' + (seed % 700));
    }
    const counts = new Map();
    words.forEach((word) => counts.set(word, (counts.get(word) || 0) + 1));
    const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    console.log(sorted.slice(0, 3), counts.size);
    console.log(crypto.createHash('sha256').update(words.join(' ')).digest('hex'));
    console.log(zlib.gunzipSync(zlib.gzipSync(words.join(''))).length);
    let total = 0;
    for (let i = 1; i < 5000; i++) {
        total += Math.sin(i) * Math.exp(-i / 1000) + Math.pow(i, 0.3) + Math.log(i) + Math.cbrt(i);
    }
    console.log(total.toFixed(9), 'a1b2'.replace(/(\w)(\d)/g, '$2$1'), 'straße'.toUpperCase());
    console.log(new Intl.NumberFormat('en').format(1234567.891), 2n ** 100n);
    fs.writeFileSync('out.txt', 'one\ntwo\n');
    console.log(fs.readFileSync('out.txt', 'utf8').split('\n'), fs.statSync('out.txt').size);
    const done = child.spawnSync('sh', ['-c', 'echo from the shell; exit 3']);
    console.log(done.status, done.stdout.toString());
    try {
        null.field;
    } catch (error) {
        console.error(error.message);
    }
    const results = new Array(3);
    let n = 0;
    for (let i = 0; i < 3; i++) {
        new Worker(__filename, {workerData: i + 2}).on('message', (sum) => {
            results[i] = sum;
            if (++n === 3) {
                setTimeout(() => {
                    console.log(results);
                    process.exitCode = 4;
                }, 5);
            }
        });
    }
}
