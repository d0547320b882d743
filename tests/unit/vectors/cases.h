/* SPDX-License-Identifier: Apache-2.0 */
/* What the published vectors must be judged as, in one table: evidence, collateral, roots, the
 * time, and the verdict. Paths are below $SL_VECTORS. */
#ifndef SL_TESTS_VECTORS_CASES_H
#define SL_TESTS_VECTORS_CASES_H

#include "collateral/set.h"

enum { CASE_FILES_MAX = 12 };

enum case_form {
    FORM_RAW,
    FORM_HEX,
    FORM_OE_REPORT,    /* 16 bytes of header, the quote */
    FORM_OPEN_ENCLAVE, /* two lines of copyright, the quote */
};

struct case_file {
    enum sl_collateral_part part; /* several of one part are put in a row */
    const char *path;             /* NULL: the end */
};

struct vector_case {
    const char *name;
    enum sl_attest_type type;
    const char *evidence;
    enum case_form form;
    const char *bundle;       /* dcap-qvl's JSON, or NULL */
    const char *endorsements; /* Open Enclave's, or NULL */
    struct case_file files[CASE_FILES_MAX];
    const char *root; /* NULL: the pinned ones */
    const char *ccel;
    const char *time;
    enum sl_tcb_status status;
    uint32_t tcb_accepted; /* besides UpToDate */
    bool allow_debug;
    /* Codes of all failures, in any order, separated by spaces; "": accepted. */
    const char *failures;
};

extern const struct vector_case vector_cases[];
extern const size_t vector_case_count;

#endif
