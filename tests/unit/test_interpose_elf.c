// SPDX-License-Identifier: MIT
/*
 * interpose: the view of an object. Against readable expectations on a real one, and against a
 * library's file whose bytes are changed at random, laid out between inaccessible pages, so that
 * one read beyond a segment ends the test.
 */
#include "unit.h"

#include "draws.h"
#include "interpose/elf_view.h"
#include "interpose/target.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ROOM = 4,
    GAP_BYTES = 1 << 16
};

/* A library's segments at their places, as a loader would put them, but not relocated. */
struct image {
    unsigned char *file;
    size_t file_bytes;
    unsigned char *memory; /* the first segment's page */
    size_t memory_bytes;
    ElfW(Phdr) * segments;
    size_t n_segments;
};

static void image_reset(struct image *image)
{
    for (size_t i = 0; i < image->n_segments; i++) {
        const ElfW(Phdr) *segment = &image->segments[i];

        if (segment->p_type == PT_LOAD) {
            memset(image->memory + segment->p_vaddr, 0, segment->p_memsz);
            memcpy(image->memory + segment->p_vaddr, image->file + segment->p_offset,
                   segment->p_filesz);
        }
    }
}

static int image_open(void **state)
{
    static struct image image;
    const char *path = getenv("TARGET");
    int file = open(path != NULL ? path : "libtarget.so", O_RDONLY);
    struct stat status;
    const ElfW(Ehdr) * header;
    unsigned char *reserved;

    assert_true(file >= 0 && fstat(file, &status) == 0);
    image.file_bytes = (size_t)status.st_size;
    image.file = mmap(NULL, image.file_bytes, PROT_READ, MAP_PRIVATE, file, 0);
    assert_ptr_not_equal(image.file, MAP_FAILED);
    close(file);
    header = (const ElfW(Ehdr) *)image.file;
    image.n_segments = header->e_phnum;
    image.segments = malloc(image.n_segments * sizeof(*image.segments));
    memcpy(image.segments, image.file + header->e_phoff,
           image.n_segments * sizeof(*image.segments));
    for (size_t i = 0; i < image.n_segments; i++) {
        size_t end = image.segments[i].p_vaddr + image.segments[i].p_memsz;

        if (image.segments[i].p_type == PT_LOAD && end > image.memory_bytes) {
            image.memory_bytes = end;
        }
    }
    reserved = mmap(NULL, image.memory_bytes + 2 * GAP_BYTES, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(reserved, MAP_FAILED);
    image.memory = reserved + GAP_BYTES;
    for (size_t i = 0; i < image.n_segments; i++) {
        size_t page_mask = ~((size_t)sysconf(_SC_PAGESIZE) - 1);
        size_t start = image.segments[i].p_vaddr & page_mask;

        if (image.segments[i].p_type == PT_LOAD) {
            assert_int_equal(mprotect(image.memory + start,
                                      image.segments[i].p_vaddr + image.segments[i].p_memsz - start,
                                      PROT_READ | PROT_WRITE),
                             0);
        }
    }
    image_reset(&image);
    *state = &image;
    return 0;
}

static bool view_of(const struct image *image, struct elf_view *view)
{
    return elf_view_init(view, (uintptr_t)image->memory, "", image->segments, image->n_segments);
}

static size_t find(const struct elf_view *view, const char *name, struct elf_symbol *ret_symbols)
{
    return elf_view_find(view, name, elf_name_hash(name), ret_symbols, ROOM);
}

static void test_view_of_an_unrelocated_object(void **state)
{
    const struct image *image = *state;
    struct elf_symbol found[ROOM];
    struct elf_view view;
    bool is_exact;
    unsigned n_of_kind[ELF_SLOT_COPY + 1] = {0};

    assert_true(view_of(image, &view));
    assert_non_null(view.soname);
    assert_string_equal(view.soname, "libtarget.so");
    assert_ptr_equal(view.load_start, image->memory);
    assert_ptr_equal(view.load_end, image->memory + image->memory_bytes);
    assert_true(view.relro_start >= view.load_start && view.relro_end <= view.load_end);
    assert_int_equal(view.relro_start % (size_t)sysconf(_SC_PAGESIZE), 0);
    assert_int_equal(view.relro_end % (size_t)sysconf(_SC_PAGESIZE), 0);
    assert_false(view.binds_now);

    assert_int_equal(find(&view, "target_versioned", found), 2);
    assert_true(found[0].is_hidden != found[1].is_hidden);
    assert_string_equal(
        elf_view_version(&view, found[found[0].is_hidden ? 0 : 1].version, &is_exact), "TARGET_1");
    assert_string_equal(
        elf_view_version(&view, found[found[0].is_hidden ? 1 : 0].version, &is_exact), "TARGET_2");
    assert_int_equal(find(&view, "target_chosen", found), 1);
    assert_int_equal(found[0].type, STT_GNU_IFUNC);
    assert_int_equal(find(&view, "target_calls", found), 1);
    assert_int_equal(found[0].size_bytes, sizeof(target_calls));
    assert_int_equal(find(&view, "versioned_1", found), 0);
    assert_int_equal(find(&view, "", found), 0);

    for (size_t table = 0; table < ELF_RELOCATION_TABLES; table++) {
        for (size_t i = 0; i < view.relocations[table].n_entries; i++) {
            struct elf_relocation relocation;
            struct elf_symbol symbol;

            if (elf_view_relocation(&view, table, i, &relocation) &&
                elf_view_symbol(&view, relocation.symbol, &symbol) &&
                (strcmp(symbol.name, "target_exported") == 0 ||
                 strcmp(symbol.name, "target_copied") == 0)) {
                n_of_kind[relocation.kind]++;
            }
        }
    }
    assert_int_equal(n_of_kind[ELF_SLOT_JUMP], 1);
    assert_int_equal(n_of_kind[ELF_SLOT_POINTER], 2);
}

/* Both hash tables say the same of every symbol that the relocations name. */
static void test_hash_styles_agree(void **state)
{
    const struct image *image = *state;
    struct elf_view gnu, sysv;

    assert_true(view_of(image, &gnu));
    assert_true(gnu.n_gnu_buckets > 0 && gnu.n_sysv_buckets > 0);
    sysv = gnu;
    sysv.n_gnu_buckets = 0;
    for (size_t i = 1; i < gnu.n_sysv_chains; i++) {
        struct elf_symbol symbol, by_gnu[ROOM], by_sysv[ROOM];
        size_t n_found;

        assert_true(elf_view_symbol(&gnu, i, &symbol));
        n_found = find(&gnu, symbol.name, by_gnu);
        assert_int_equal(find(&sysv, symbol.name, by_sysv), n_found);
        assert_true(n_found > 0 || symbol.address == 0 || symbol.type == STT_SECTION);
        for (size_t k = 0; k < n_found; k++) {
            assert_true(by_gnu[k].address == by_sysv[0].address ||
                        by_gnu[k].address == by_sysv[n_found - 1].address);
        }
    }
    assert_false(elf_view_symbol(&gnu, SIZE_MAX, &(struct elf_symbol){0}));
    assert_false(
        elf_view_relocation(&gnu, 1, gnu.relocations[1].n_entries, &(struct elf_relocation){0}));
}

static uint64_t random_state = 88172645463325252u;

static uint64_t draw(void)
{
    return draw_bits(&random_state);
}

/* Reads all that can be read of the view; what it says does not matter. */
static size_t read_everything(const struct elf_view *view)
{
    static const char *const names[] = {"target_called", "target_versioned", "missing", ""};
    struct elf_view sysv = *view;
    struct elf_symbol symbol, found[ROOM];
    struct elf_relocation relocation;
    size_t n_seen = view->soname != NULL ? strlen(view->soname) : 0;
    bool is_exact;

    sysv.n_gnu_buckets = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        n_seen += find(view, names[i], found) + find(&sysv, names[i], found);
    }
    for (uint16_t version = 0; version < 8; version++) {
        const char *name = elf_view_version(view, version, &is_exact);

        n_seen += name != NULL ? strlen(name) : 0;
    }
    for (size_t table = 0; table < ELF_RELOCATION_TABLES; table++) {
        for (size_t i = 0; i < view->relocations[table].n_entries; i++) {
            if (elf_view_relocation(view, table, i, &relocation)) {
                n_seen += *(const volatile unsigned char *)relocation.slot;
                n_seen +=
                    elf_view_symbol(view, relocation.symbol, &symbol) ? strlen(symbol.name) : 0;
            }
        }
    }
    return n_seen;
}

static void test_changed_bytes_never_lead_outside(void **state)
{
    static const uint64_t values[] = {0, 1, 0xff, 0x7fffffff, UINT32_MAX, UINT64_MAX, 1ull << 63};
    struct image *image = *state;
    uintptr_t dynamic = 0, dynamic_bytes = 0, tables_bytes = image->segments[1].p_vaddr;
    size_t n_seen = 0;

    for (size_t i = 0; i < image->n_segments; i++) {
        if (image->segments[i].p_type == PT_DYNAMIC) {
            dynamic = image->segments[i].p_vaddr;
            dynamic_bytes = image->segments[i].p_memsz;
        } else if (image->segments[i].p_type == PT_LOAD && image->segments[i].p_vaddr == 0) {
            tables_bytes = image->segments[i].p_memsz; /* symbols, hashes, versions, relocations */
        }
    }
    for (int round = 0; round < 20000; round++) {
        struct elf_view view;

        image_reset(image);
        for (uint64_t n = draw() % 6 + 1; n > 0; n--) {
            bool in_dynamic = draw() % 2;
            size_t at =
                in_dynamic ? dynamic + draw() % (dynamic_bytes - 8) : draw() % (tables_bytes - 8);
            uint64_t value = draw() % 2 ? values[draw() % 7] : draw() % (2 * image->memory_bytes);

            memcpy(image->memory + at, &value, (size_t)1 << draw() % 4);
        }
        if (view_of(image, &view)) {
            assert_true(view.strings_bytes == 0 || view.strings[view.strings_bytes - 1] == '\0');
            n_seen += read_everything(&view);
        }
    }
    assert_true(n_seen > 0);
    image_reset(image);
}

/* The last page of RELRO, if it is only partly so, was never closed by ld.so. */
static void test_relro_ends_at_a_whole_page(void **state)
{
    struct image *image = *state;
    struct elf_view before, after;

    assert_true(view_of(image, &before));
    for (size_t i = 0; i < image->n_segments; i++) {
        if (image->segments[i].p_type == PT_GNU_RELRO) {
            image->segments[i].p_memsz += 24;
            assert_true(view_of(image, &after));
            image->segments[i].p_memsz -= 24;
        }
    }
    assert_true(before.relro_end > before.relro_start);
    assert_int_equal(after.relro_end, before.relro_end);
}

static void test_objects_without_anything(void **state)
{
    const struct image *image = *state;
    ElfW(Phdr) wild = {.p_type = PT_DYNAMIC, .p_flags = PF_R, .p_memsz = SIZE_MAX};
    struct elf_symbol found[ROOM];
    struct elf_view view;

    assert_false(elf_view_init(&view, 0, "", NULL, 0));
    assert_int_equal(find(&view, "x", found), 0);
    assert_false(elf_view_has(&view, 0, 0, 0));
    assert_false(elf_view_init(&view, (uintptr_t)image->memory, "", &wild, 1));
    wild.p_type = PT_LOAD;
    wild.p_vaddr = (uintptr_t)-4096;
    assert_false(elf_view_init(&view, (uintptr_t)image->memory, "", &wild, 1));
    assert_int_equal(find(&view, "x", found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_of_an_unrelocated_object),
        cmocka_unit_test(test_hash_styles_agree),
        cmocka_unit_test(test_changed_bytes_never_lead_outside),
        cmocka_unit_test(test_relro_ends_at_a_whole_page),
        cmocka_unit_test(test_objects_without_anything),
    };

    return cmocka_run_group_tests(tests, image_open, NULL);
}
