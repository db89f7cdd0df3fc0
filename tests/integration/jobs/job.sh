# SPDX-License-Identifier: MIT
# A job for bash.
shopt -s extglob nullglob
set -o pipefail
declare -A count
seed=42
draw() { seed=$(((seed * 1103515245 + 12345) % 2147483648)); drawn=$((seed % $1)); }
for ((i = 0; i < 600; i++)); do
    draw 26
    printf -v octal %03o $((97 + drawn))
    printf -v letter "\\$octal"
    count[$letter]=$((${count[$letter]:-0} + 1))
done
for letter in "${!count[@]}"; do
    printf '%s %d\n' "$letter" "${count[$letter]}"
done | sort -k2nr -k1 | head -n 3
text='The quick brown fox'
echo "${text//o/0} ${text^^} ${text:4:5} ${#text} ${text%% *} ${text/#The/A}"
[[ $text =~ q(u)i ]] && echo "${BASH_REMATCH[1]}"
case $text in @(The|A)*fox) echo matched ;; esac
mkdir folder && touch folder/{a,b,c}.{x,y}
echo folder/*.x folder/!(a*) folder/none*
while IFS=: read -r name _ uid _; do [ "$name" = root ] && echo "$name $uid"; done </etc/passwd
cat <<END | tr a-z n-za-m
here $((6 * 7)) and $(echo nested "$(printf '%05.2f' 3.14159)")
END
mapfile -t lines < <(seq 5)
echo "${lines[@]:1:3}"
(trap 'echo trapped' USR1; kill -USR1 $BASHPID; exit 9)
echo $?
sleep 0 & wait $!
false | true
echo "$? ${PIPESTATUS[*]}"
printf '%q %x %e\n' 'a b' 255 12345.678
TZ=UTC printf '%(%Y-%m-%d)T\n' 86400
diff <(seq 3) <(seq 2 4)
exec 3>out.txt
echo written >&3
exec 3>&-
cat out.txt nowhere.txt
exit 6
