" SPDX-License-Identifier: MIT
" A job for vim -es.
%s/word\(\d\+\)/\=printf('%03d', submatch(1) * 2)/g
sort n
g/00[02]/d
1,5join
normal gg0wdwG
let @a = getline(3)
put a
set fileformat=dos
call append(0, string(map(range(5), 'pow(v:val, 2) + sin(v:val)')))
call append(1, split(system('echo from the shell; exit 3'), '\n')[0])
call append(2, [json_encode({'a': [1, v:null]}), strftime('%Y', 86400 * 400), toupper('straße')])
write result
undo
write undone
verbose echo v:shell_error line('$') search('word', 'n')
cquit 5
