/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * The test image: one program with a case per sub-command, run by suite.c on every device. A case
 * returns 0 where all is well; fails() says what is not.
 */
#ifndef SL_TESTS_IMAGE_CASES_H
#define SL_TESTS_IMAGE_CASES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* name, function */
#define CASE_TABLE(X)                                                                              \
    X(args)                                                                                        \
    X(exit)                                                                                        \
    X(log)                                                                                         \
    X(random)                                                                                      \
    X(refused)                                                                                     \
    X(time)                                                                                        \
    X(sleep)                                                                                       \
    X(threads)                                                                                     \
    X(handover)                                                                                    \
    X(timedwait)                                                                                   \
    X(tls)                                                                                         \
    X(many_threads)                                                                                \
    X(too_many_threads)                                                                            \
    X(thread_exits)                                                                                \
    X(pthread_exit)                                                                                \
    X(malloc)                                                                                      \
    X(exhaust)                                                                                     \
    X(mappings)                                                                                    \
    X(mprotect)                                                                                    \
    X(aex)                                                                                         \
    X(abi)                                                                                         \
    X(scrub)                                                                                       \
    X(overflow)                                                                                    \
    X(thread_overflow)                                                                             \
    X(nested)                                                                                      \
    X(write_text)                                                                                  \
    X(run_data)                                                                                    \
    X(divide)                                                                                      \
    X(illegal)                                                                                     \
    X(int80)                                                                                       \
    X(cpuid)                                                                                       \
    X(wait)                                                                                        \
    X(wait_forever)                                                                                \
    X(spin)                                                                                        \
    X(spin_exit)                                                                                   \
    X(round_trips)                                                                                 \
    X(area)

/* of the second image, with OpenSSL and ipsec-mb inside */
#define CRYPTO_CASE_TABLE(X)                                                                       \
    X(report)                                                                                      \
    X(crypto)                                                                                      \
    X(tls_context)                                                                                 \
    X(ipsec_mb)

#define CASE_PROTOTYPE(name) int case_##name(int argc, char **argv);
CASE_TABLE(CASE_PROTOTYPE)
CRYPTO_CASE_TABLE(CASE_PROTOTYPE)
#undef CASE_PROTOTYPE

#define CASE_CALL(name)                                                                            \
    if (argc > 1 && strcmp(argv[1], #name) == 0) {                                                 \
        return case_##name(argc, argv);                                                            \
    }

#define fails(...)                                                                                 \
    do {                                                                                           \
        printf("%s:%d: ", __FILE__, __LINE__);                                                     \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        return 1;                                                                                  \
    } while (0)

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fails("%s", #condition);                                                               \
        }                                                                                          \
    } while (0)

#endif
