// SPDX-License-Identifier: MIT
/* The C++ half of paths.c. */
#include "matrix.h"

namespace
{
/* Its vtable stands in this object, with the library's function in it. */
struct Inheriting : MatrixInherited {
    virtual long other(long site) const
    {
        return site;
    }
};

Inheriting inheriting;
MatrixInherited *volatile by_inheritance = &inheriting;
} // namespace

long run_vtable(long site)
{
    return by_inheritance->step(site);
}

long run_copied_vtable(long site)
{
    MatrixCopied copied; /* code that stores the address of the library's vtable */
    MatrixCopied *volatile by_copy = &copied;

    return by_copy->step(site);
}
