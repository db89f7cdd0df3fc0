// SPDX-License-Identifier: MIT
// A job for gcc and clang, and something to look at for gdb.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    char name[8];
    int value;
};

static int add_up(const struct node *first)
{
    int sum = 0;

    for (const struct node *node = first; node != NULL; node = node->next) {
        sum += node->value * (int)strlen(node->name);
    }
    return sum;
}

static int compare(const void *a, const void *b)
{
    const struct node *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

int main(void)
{
    struct node nodes[6] = {0}, *sorted[6];

    for (int i = 0; i < 6; i++) {
        snprintf(nodes[i].name, sizeof(nodes[i].name), "n%d", (i * 5 + 3) % 6 * 7);
        nodes[i].value = i * i;
        nodes[i].next = i < 5 ? &nodes[i + 1] : NULL;
        sorted[i] = &nodes[i];
    }
    qsort(sorted, 6, sizeof(sorted[0]), compare);
    for (int i = 0; i < 6; i++) {
        printf("%s=%d ", sorted[i]->name, sorted[i]->value);
    }
    printf("%d\n", add_up(nodes));
    return 8;
}
