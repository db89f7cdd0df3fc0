# SPDX-License-Identifier: MIT
# A job for gawk.
function draw(n) { seed = (seed * 16807) % 2147483647; return seed % n }
BEGIN {
    seed = 99
    for (i = 0; i < 3000; i++) {
        word = ""
        for (k = 2 + draw(5); k > 0; k--) word = word sprintf("%c", 97 + draw(6))
        count[word]++
        print word > "words.txt"
    }
    close("words.txt")
    PROCINFO["sorted_in"] = "@val_num_desc"
    for (word in count) { if (count[word] > 8) most++ }
    print length(count), most + 0
    while ((getline line < "words.txt") > 0) total += length(line)
    printf "%d %.10g %s\n", total, sin(1) + exp(2) + log(3) + sqrt(5) + atan2(1, 2), strtonum("0x1F")
    print gensub(/(a)(b)/, "\\2\\1", "g", "abab"), toupper("mixed"), substr("substring", 4, 3)
    print strftime("%Y-%m-%d", 86400 * 366, 1), match("foobar", /o+/), RSTART, RLENGTH
    n = split("b c a", parts); asort(parts); print parts[1] parts[2] parts[3], n
    "echo from the shell" | getline answer; print answer
    print "through a pipe" | "cat"; close("cat")
    printf "%5.2f|%-6s|%06d|%x\n", 3.14159, "left", 42, 255
    exit 3
}
