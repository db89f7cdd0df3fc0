// SPDX-License-Identifier: MIT
/*
 * The command's readers of files and answers that nobody vouches for: what they find in good ones,
 * and that damaged ones are refused or read as something, without harm (run under sanitizers).
 */
#include "unit.h"

#include "base/arena.h"
#include "cli/elf_file.h"
#include "cli/findings.h"
#include "cli/symtab.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((noinline)) static int local_function(int x)
{
    return x + (int)getpid();
}

__attribute__((visibility("hidden"), noinline)) int hidden_function(int x);
int hidden_function(int x)
{
    return local_function(x);
}

static const char *const names[] = {"local_function", "hidden_function", "main", "no_such_name"};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

/* A file in memory, and its path. */
struct file {
    int fd;
    char path[40];
    unsigned char *bytes;
    size_t n_bytes;
};

static void open_copy(struct file *file, const char *of)
{
    int from = open(of, O_RDONLY | O_CLOEXEC);
    struct stat status;

    assert_true(from >= 0 && fstat(from, &status) == 0);
    file->n_bytes = (size_t)status.st_size;
    file->bytes = malloc(file->n_bytes);
    assert_int_equal(pread(from, file->bytes, file->n_bytes, 0), status.st_size);
    close(from);
    file->fd = memfd_create("file", MFD_CLOEXEC);
    assert_true(file->fd >= 0);
    assert_int_equal(pwrite(file->fd, file->bytes, file->n_bytes, 0), status.st_size);
    snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

static void close_copy(struct file *file)
{
    free(file->bytes);
    close(file->fd);
}

/* Other bytes at an offset, as long as read is called. */
static void with_bytes(struct file *file, uint64_t offset, const void *bytes, size_t n_bytes,
                       void (*read)(const struct file *file))
{
    assert_int_equal(pwrite(file->fd, bytes, n_bytes, (off_t)offset), (ssize_t)n_bytes);
    read(file);
    assert_int_equal(pwrite(file->fd, file->bytes + offset, n_bytes, (off_t)offset),
                     (ssize_t)n_bytes);
}

static void read_file(const struct file *file)
{
    static struct elf_file elf;
    enum symtab_found found[N_NAMES];

    symtab_search(file->path, names, N_NAMES, found);
    elf_file_read(file->fd, &elf);
}

/* Every byte of a range as 0, 0x7f and 0xff. */
static void damage(struct file *file, uint64_t offset, size_t n_bytes)
{
    static const unsigned char values[] = {0, 0x7f, 0xff};

    for (uint64_t at = offset; at < offset + n_bytes && at < file->n_bytes; at++) {
        for (size_t i = 0; i < sizeof(values); i++) {
            with_bytes(file, at, &values[i], 1, read_file);
        }
    }
}

static void test_symbol_tables(void **state)
{
    enum symtab_found found[N_NAMES];

    assert_int_not_equal(hidden_function(1), 0);
    symtab_search("/proc/self/exe", names, N_NAMES, found);
    assert_int_equal(found[0], SYMTAB_STATIC);
    assert_true(found[1] == SYMTAB_STATIC || found[1] == SYMTAB_HIDDEN);
    assert_int_equal(found[2], SYMTAB_INTERNAL);
    assert_int_equal(found[3], SYMTAB_NOTHING);

    symtab_search("/etc/passwd", names, N_NAMES, found);
    assert_int_equal(found[0], SYMTAB_STRIPPED);
    symtab_search("/no/such/file", names, N_NAMES, found);
    assert_int_equal(found[3], SYMTAB_STRIPPED);
    symtab_search("/dev/zero", names, N_NAMES, found);
    assert_int_equal(found[0], SYMTAB_STRIPPED);
}

static void test_damaged_files(void **state)
{
    struct file file;
    const Elf64_Ehdr *header;
    const Elf64_Shdr *sections;
    const Elf64_Phdr *segments;

    open_copy(&file, "/proc/self/exe");
    header = (const Elf64_Ehdr *)file.bytes;
    sections = (const Elf64_Shdr *)(file.bytes + header->e_shoff);
    segments = (const Elf64_Phdr *)(file.bytes + header->e_phoff);
    damage(&file, 0, sizeof(*header));
    damage(&file, header->e_phoff, header->e_phnum * sizeof(Elf64_Phdr));
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type == SHT_SYMTAB) {
            damage(&file, header->e_shoff + i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr));
            damage(&file, header->e_shoff + sections[i].sh_link * sizeof(Elf64_Shdr),
                   sizeof(Elf64_Shdr));
            damage(&file, sections[i].sh_offset, 4 * sizeof(Elf64_Sym));
        }
    }
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type == PT_NOTE || segments[i].p_type == PT_DYNAMIC) {
            damage(&file, segments[i].p_offset, 64);
        }
    }
    for (size_t n = file.n_bytes; n > 0; n -= n / 7 + 1) {
        assert_int_equal(ftruncate(file.fd, (off_t)n), 0);
        read_file(&file);
    }
    close_copy(&file);
}

/* ---- answers --------------------------------------------------------------------------------- */

static const char good_answer[] =
    "memoshim-check\t1\noutcome\tstarted\t\nobject\tordinary\tp\t/p\n"
    "hook\tf\tf\thooked\ndefinition\tlibf.so\t/libf.so\t\ntraits\tdefault\tifunc\t\t\nslots\t7\n"
    "importer\tp\t/p\t1\t2\t3\t1\t0\t0\nimporter\tq%09\t/q\t0\t0\t0\t0\t4\t5\nalias\tg\t2\n"
    "hook\tg\tg@V\tspare\ndefinition\tlibf.so\t/libf.so\tV\nalias\tf\t0\n"
    "hook\tg\tg\tpending\nproblem\tnothing\nnamesake\tvdso\t\tdata\tlibf.so\t/libf.so\tV\nend\t\n";

static const struct config_function functions[] = {{.named = "f"}, {.named = "g"}};
static const struct config_model model = {.functions = functions, .n_functions = 2};

/* In a block of just that size, so that a sanitizer sees where it is left. */
static bool read_answer(const char *answer, size_t n_bytes, struct arena *arena, char **ret_text,
                        struct findings *ret_findings)
{
    *ret_text = malloc(n_bytes + 1);
    assert_non_null(*ret_text);
    memcpy(*ret_text, answer, n_bytes);
    (*ret_text)[n_bytes] = '\0';
    return findings_read(*ret_text, n_bytes, &model,
                         (struct config_memory){arena_alloc_callback, arena}, ret_findings);
}

static void test_good_answer(void **state)
{
    struct findings findings;
    struct arena arena;
    char *text;

    arena_init(&arena, (size_t)1 << 20);
    assert_true(read_answer(good_answer, sizeof(good_answer) - 1, &arena, &text, &findings));
    assert_int_equal(findings.outcome, FINDINGS_STARTED);
    assert_int_equal(findings.n_objects, 1);
    assert_int_equal(findings.n_hooks, 3);
    assert_ptr_equal(findings.hooks[0].function, &functions[0]);
    assert_true(findings.hooks[0].is_default && findings.hooks[0].is_ifunc);
    assert_null(findings.hooks[0].version);
    assert_int_equal(findings.hooks[0].n_importers, 2);
    assert_int_equal(findings.hooks[0].importers[0].got, 2);
    assert_string_equal(findings.hooks[0].importers[1].library, "q\t");
    assert_int_equal(findings.hooks[0].importers[1].sealed, 5);
    assert_string_equal(findings.hooks[0].aliases[0].name, "g");
    assert_int_equal(findings.hooks[1].n_importers, 0);
    assert_string_equal(findings.hooks[1].aliases[0].name, "f");
    assert_int_equal(findings.hooks[2].state, FINDING_PENDING);
    assert_int_equal(findings.hooks[2].namesakes[0].role, FINDING_VDSO);
    assert_true(findings.hooks[2].namesakes[0].is_data);
    arena_fini(&arena);
    free(text);
}

/* A cheap generator, the same at each run. */
static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 8) % below;
}

static void test_damaged_answers(void **state)
{
    static const char pieces[] = "\t\n%0";
    uint32_t random = 1;
    unsigned n_good = 0, n_bad = 0;
    struct arena arena;

    arena_init(&arena, (size_t)4 << 20);
    for (unsigned round = 0; round < 20000; round++) {
        char answer[2 * sizeof(good_answer)];
        size_t n_bytes = sizeof(good_answer) - 1;
        struct findings findings;
        char *text;

        memcpy(answer, good_answer, sizeof(good_answer));
        for (unsigned i = draw(&random, 3); i < 3 && n_bytes > 8; i++) {
            uint32_t at = draw(&random, (uint32_t)n_bytes);

            switch (draw(&random, 4)) {
            case 0:
                answer[at] = (char)draw(&random, 256);
                break;
            case 1:
                answer[at] = pieces[draw(&random, sizeof(pieces) - 1)];
                break;
            case 2:
                memmove(answer + at, answer + at + 1, n_bytes - at - 1);
                n_bytes--;
                break;
            default:
                n_bytes -= draw(&random, 4) == 0 ? n_bytes - at - 1 : 0;
                break;
            }
        }
        if (read_answer(answer, n_bytes, &arena, &text, &findings)) {
            n_good++;
        } else {
            n_bad++;
        }
        free(text);
        arena_fini(&arena);
    }
    assert_true(n_good > 100 && n_bad > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbol_tables),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_good_answer),
        cmocka_unit_test(test_damaged_answers),
    };

    return cmocka_run_group_tests_name("cli_files", tests, NULL, NULL);
}
