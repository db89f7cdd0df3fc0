// SPDX-License-Identifier: MIT
/* Text in lines of at most 80 columns, as long as one word fits. */
#ifndef CLI_WRAPPED_H
#define CLI_WRAPPED_H

#define WRAPPED_COLUMNS 80

/*
 * text and a line end on stdout, broken between words, its lines beginning at this column; the
 * first is there already. What a terminal might take for a command is shown as "?".
 */
void wrapped_print(const char *text, int column);

#endif
