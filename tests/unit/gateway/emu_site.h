/* SPDX-License-Identifier: Apache-2.0 */
/* One emulated machine with one enclave on it, for whoever controls it: reports and quotes about
 * anything, which is why the emulator protects nothing. Knows no TLS (the device's headers and the
 * control channel's do not go together in one file). */
#ifndef SL_TESTS_EMU_SITE_H
#define SL_TESTS_EMU_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emu_site;

/** @param fill  every byte of the enclave's MRENCLAVE */
struct emu_site *emu_site_open(uint8_t fill, bool is_debug);
void emu_site_close(struct emu_site *site);
void emu_site_target(struct emu_site *site, uint8_t ret_target[512]);
/** EREPORT of its enclave. */
void emu_site_report(struct emu_site *site, const uint8_t target[512], const uint8_t data[64],
                     uint8_t ret_report[432]);
/** The quoting enclave's bundle. @return bytes; 0: it refused the report */
size_t emu_site_bundle(struct emu_site *site, const uint8_t data[64], const uint8_t report[432],
                       uint8_t *out, size_t size);
/** The same for any data, by a report made here. */
size_t emu_site_bundle_over(struct emu_site *site, const uint8_t data[64], uint8_t *out,
                            size_t size);

#endif
