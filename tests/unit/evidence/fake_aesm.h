/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in of AESM: the service's socket and messages (linux-sgx, messages.proto), and what a
 * broken one may answer. */
#ifndef SL_TESTS_EVIDENCE_FAKE_AESM_H
#define SL_TESTS_EVIDENCE_FAKE_AESM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fake_aesm_fault {
    FAULT_NONE,
    FAULT_ERROR,        /* answers `code` */
    FAULT_HANG,         /* answers nothing */
    FAULT_CLOSE,        /* closes at once */
    FAULT_CUT,          /* closes in the middle of the answer */
    FAULT_HUGE,         /* announces 4 GiB */
    FAULT_EMPTY,        /* announces nothing */
    FAULT_GARBAGE,      /* no protobuf */
    FAULT_OTHER,        /* answers another call */
    FAULT_UNSUPPORTED,  /* does not know the call */
    FAULT_OTHER_REPORT, /* quotes something else */
    FAULT_SHORT,        /* a target, a key list or a quote that is too short */
    FAULT_LIE,          /* a quote whose signature is larger than the quote; a giant size */
};

struct fake_aesm_knobs {
    int call; /* to which the fault applies */
    enum fake_aesm_fault fault;
    uint32_t code;
    bool has_no_ecdsa;
};

void fake_aesm_set(struct fake_aesm_knobs knobs);

/* @return the socket's path */
const char *fake_aesm_start(void);
void fake_aesm_stop(void);
/* The last request of a call, as it came, without its length. @return its size */
size_t fake_aesm_request(int call, uint8_t *out, size_t size);

#endif
