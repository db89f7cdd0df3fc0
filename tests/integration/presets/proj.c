// SPDX-License-Identifier: MIT
/* Two projections there and back, failures, and handles that end and whose place others take. */
#include "exercise.h"

#include <math.h>
#include <proj.h>

static void transform(PJ *P, PJ_DIRECTION direction, double x, double y, bool is_kept)
{
    PJ_COORD result, coord = proj_coord(x, y, 0, HUGE_VAL);

    CALL(proj_trans, is_kept, result = proj_trans(P, direction, coord));
    show_bytes(&result, sizeof(result));
    show_number(proj_errno(P));
    proj_errno_reset(P);
}

static void exercise(void)
{
    static const char *const others[] = {"+proj=merc", "+proj=sinu", "+proj=moll"};
    static PJ *utm, *albers;

    if (utm == NULL) {
        utm = proj_create(PJ_DEFAULT_CTX, "+proj=utm +zone=32 +ellps=GRS80");
        albers = proj_create(PJ_DEFAULT_CTX, "+proj=aea +lat_1=29.5 +lat_2=42.5");
    }
    for (int i = -3; i <= 3; i++) {
        double x = 0.1 + 0.01 * i, y = 0.9 - 0.02 * i;

        transform(utm, PJ_FWD, x, y, KEPT);
        transform(albers, PJ_FWD, x, y, KEPT);
        transform(utm, PJ_INV, 500000 + 1000 * i, 5000000, KEPT);
        transform(utm, PJ_IDENT, x, y, KEPT);
    }
    transform(utm, PJ_FWD, 0.1, 4.0, NOT_KEPT);
    transform(albers, PJ_INV, 1e30, 1e30, NOT_KEPT);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        PJ *P = proj_create(PJ_DEFAULT_CTX, others[i]);

        transform(P, PJ_FWD, 0.1, 0.9, NOT_KEPT);
        proj_destroy(P);
    }
}
