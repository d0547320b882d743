/* SPDX-License-Identifier: Apache-2.0 */
/* Names of certificates in words, and their times. */
#include <openssl/asn1.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attest/x509_internal.h"

void sl_x509_name_text(const X509_NAME *name, char out[SL_X509_NAME_SIZE])
{
    (void)snprintf(out, SL_X509_NAME_SIZE, "(no name)");
    int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (index < 0) {
        return;
    }
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
    const unsigned char *bytes = ASN1_STRING_get0_data(text);
    size_t size = (size_t)ASN1_STRING_length(text);
    if (size > SL_X509_NAME_SIZE - 1) {
        size = SL_X509_NAME_SIZE - 1;
    }
    for (size_t i = 0; i < size; i++) {
        bool is_plain = bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\';
        out[i] = is_plain ? (char)bytes[i] : '?';
    }
    if (size != 0) {
        out[size] = '\0';
    }
}

bool sl_x509_time_read(const ASN1_TIME *time, int64_t *ret_time_s)
{
    if (time == NULL) {
        return false;
    }
    const unsigned char *text = ASN1_STRING_get0_data(time);
    int size = ASN1_STRING_length(time);
    int digits = ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 12 : 14;
    if (size != digits + 1 || text[digits] != 'Z') {
        return false;
    }
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1) {
        return false;
    }
    *ret_time_s = (int64_t)timegm(&tm);
    return true;
}
