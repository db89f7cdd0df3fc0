// SPDX-License-Identifier: MIT
/*
 * What differs between processors when reading relocations: their numbers, and how an IFUNC's
 * resolver is called. Only 64-bit machines, so that a slot is one aligned 8-byte store.
 */
#ifndef INTERPOSE_ELF_MACHINE_H
#define INTERPOSE_ELF_MACHINE_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

_Static_assert(sizeof(uintptr_t) == 8, "a slot is one 8-byte word");

/* What a relocation's slot is to a caller. */
enum elf_slot_kind {
    ELF_SLOT_OTHER,   /* nothing that can lead to a function by name */
    ELF_SLOT_JUMP,    /* a PLT's slot, possibly still unresolved */
    ELF_SLOT_GOT,     /* an address in the GOT: -fno-plt calls, addresses taken */
    ELF_SLOT_POINTER, /* an address in data: static pointers, C++ vtables */
    ELF_SLOT_COPY,    /* no slot: data of a library duplicated into the executable */
};

#if defined(__x86_64__)

static inline enum elf_slot_kind elf_machine_slot_kind(uint64_t relocation_type)
{
    switch (relocation_type) {
    case R_X86_64_JUMP_SLOT:
        return ELF_SLOT_JUMP;
    case R_X86_64_GLOB_DAT:
        return ELF_SLOT_GOT;
    case R_X86_64_64:
        return ELF_SLOT_POINTER;
    case R_X86_64_COPY:
        return ELF_SLOT_COPY;
    default:
        return ELF_SLOT_OTHER;
    }
}

/* What ld.so does: the resolver takes nothing. */
static inline uintptr_t elf_machine_call_resolver(uintptr_t resolver)
{
    return ((uintptr_t(*)(void))resolver)();
}

/* st_other says that the function keeps to registers of its own, those of vectors. */
static inline bool elf_machine_is_vector_call(unsigned char other)
{
    return false; /* such functions are told by their names alone */
}

/* The largest page size the machine may run with: the alignment of data that is to be sealed. */
#define ELF_MACHINE_MAX_PAGE 4096

#elif defined(__aarch64__)

#include <sys/auxv.h>

static inline enum elf_slot_kind elf_machine_slot_kind(uint64_t relocation_type)
{
    switch (relocation_type) {
    case R_AARCH64_JUMP_SLOT:
        return ELF_SLOT_JUMP;
    case R_AARCH64_GLOB_DAT:
        return ELF_SLOT_GOT;
    case R_AARCH64_ABS64:
        return ELF_SLOT_POINTER;
    case R_AARCH64_COPY:
        return ELF_SLOT_COPY;
    default:
        return ELF_SLOT_OTHER;
    }
}

/* What ld.so does: hwcap with bit 62 to announce the second argument, sizes and both words. */
static inline uintptr_t elf_machine_call_resolver(uintptr_t resolver)
{
    struct {
        unsigned long n_bytes, hwcap, hwcap2;
    } argument = {sizeof(argument), getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};

    return ((uintptr_t(*)(uint64_t, const void *))resolver)(argument.hwcap | (1ull << 62),
                                                            &argument);
}

static inline bool elf_machine_is_vector_call(unsigned char other)
{
    return (other & 0x80) != 0; /* STO_AARCH64_VARIANT_PCS, which <elf.h> may not know */
}

#define ELF_MACHINE_MAX_PAGE 65536

#else
#error "no relocation numbers for this processor"
#endif

#endif
