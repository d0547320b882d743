/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and results of a measurement list, for people and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ima.h"
#include "safelib/bytes.h"

static void digest_text(const struct sl_ima_entry *entry, char out[256])
{
    const struct sl_ima_digest *digest = &entry->digest;
    char hex[2 * SL_TPM_DIGEST_MAX + 1] = "";

    if (digest->size <= SL_TPM_DIGEST_MAX) {
        sl_hex_encode(digest->data, digest->size, hex);
    }
    (void)snprintf(out, 256, "%s%s%s%s%s", digest->type, digest->type[0] != '\0' ? ":" : "",
                   digest->name, digest->name[0] != '\0' ? ":" : "", hex);
}

json_t *ima_text_json(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    json_t *text = json_stringn(data, size);
    char *escaped = text == NULL ? malloc(4 * size + 1) : NULL;
    size_t used = 0;

    if (escaped == NULL) {
        return text != NULL ? text : json_string("?");
    }
    for (size_t i = 0; i < size; i++) {
        const bool is_plain = bytes[i] >= 0x20 && bytes[i] < 0x7f;

        used += (size_t)snprintf(escaped + used, 5, is_plain ? "%c" : "\\x%02x", bytes[i]);
    }
    text = json_stringn(escaped, used);
    free(escaped);
    return text;
}

static json_t *value_json(const struct sl_ima_value *value)
{
    char hex[2 * 64 + 1];

    if (sl_ima_field_form(value->id) == SL_IMA_FORM_STRING) {
        return ima_text_json(value->data, value->size);
    }
    if (value->size > 64) {
        return json_sprintf("%zu bytes", value->size);
    }
    sl_hex_encode(value->data, value->size, hex);
    return json_string(hex);
}

json_t *ima_entry_json(const struct sl_ima_entry *entry, bool is_hash_good)
{
    char digest[256], hash[2 * SL_TPM_DIGEST_MAX + 1];
    json_t *fields = json_object();

    digest_text(entry, digest);
    sl_hex_encode(entry->template_hash, entry->template_hash_size, hash);
    for (uint32_t i = 0; i < entry->template.field_count; i++) {
        (void)json_object_set_new(fields, sl_ima_field_name(entry->values[i].id),
                                  value_json(&entry->values[i]));
    }
    return json_pack("{s:I, s:i, s:o, s:s, s:b, s:b, s:o, s:o}", "entry", (json_int_t)entry->number,
                     "pcr", (int)entry->pcr, "template",
                     ima_text_json(entry->template.name, strlen(entry->template.name)),
                     "template_hash", hash, "hash_good", is_hash_good, "violation",
                     entry->is_violation, "digest", ima_text_json(digest, strlen(digest)), "fields",
                     fields);
}

void ima_text_print(FILE *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; at != NULL && *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f) {
            (void)fprintf(out, "\\x%02x", *at);
        } else {
            (void)fputc(*at, out);
        }
    }
}

void ima_entry_show(const struct sl_ima_entry *entry, bool is_hash_good)
{
    char digest[256];

    digest_text(entry, digest);
    printf("%6llu  %2u  %-8s  %s  ", (unsigned long long)entry->number, entry->pcr,
           entry->template.name, digest);
    ima_text_print(stdout, entry->path);
    if (entry->is_violation) {
        printf("  %sVIOLATION%s", tone(stdout, TONE_BAD), tone(stdout, TONE_PLAIN));
    } else if (!is_hash_good) {
        printf("  %sBAD HASH%s", tone(stdout, TONE_BAD), tone(stdout, TONE_PLAIN));
    }
    putchar('\n');
}

static json_t *pcrs_json(const struct sl_ima_replay *replay)
{
    json_t *banks = json_object();

    for (uint32_t i = 0; i < replay->bank_count; i++) {
        const struct sl_ima_bank *bank = &replay->banks[i];
        json_t *pcrs = json_object();

        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            char name[4], hex[2 * SL_TPM_DIGEST_MAX + 1];

            if ((replay->touched >> pcr & 1) != 0) {
                (void)snprintf(name, sizeof(name), "%u", pcr);
                sl_hex_encode(bank->pcr[pcr], bank->hash->size, hex);
                (void)json_object_set_new(pcrs, name, json_string(hex));
            }
        }
        (void)json_object_set_new(banks, bank->hash->name, pcrs);
    }
    return banks;
}

json_t *ima_reading_json(const struct ima_reading *reading)
{
    json_t *root = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:b, s:O, s:O, s:O, s:o, s:o}", "format",
        reading->log.format == SL_IMA_ASCII ? "ascii" : "binary", "entries",
        (json_int_t)reading->replay.entries, "bad_hashes", (json_int_t)reading->replay.bad_hashes,
        "violations", (json_int_t)reading->replay.violations, "refused_lines",
        (json_int_t)reading->refused, "cut", reading->is_cut, "templates", reading->templates,
        "containers", reading->containers, "reasons", reading->bad, "pcrs",
        pcrs_json(&reading->replay), "pcrs_padded", pcrs_json(&reading->padded));

    if (root != NULL && reading->tail_size > 0) {
        (void)json_object_set_new(root, "tail_bytes", json_integer((json_int_t)reading->tail_size));
    }
    if (root != NULL && reading->keyring != NULL) {
        (void)json_object_set_new(root, "good_signatures",
                                  json_integer((json_int_t)reading->good_sigs));
        (void)json_object_set_new(root, "refused_signatures",
                                  json_integer((json_int_t)reading->refused_sigs));
    }
    if (root != NULL && reading->has_wanted) {
        (void)json_object_set_new(root, "pcr10_reached_at",
                                  reading->reached != 0 ? json_integer((json_int_t)reading->reached)
                                                        : json_null());
        (void)json_object_set_new(root, "pcr10_padded", json_boolean(reading->is_reached_padded));
    }
    return root;
}

static void pcrs_show(const struct sl_ima_replay *replay)
{
    for (uint32_t i = 0; i < replay->bank_count; i++) {
        const struct sl_ima_bank *bank = &replay->banks[i];

        for (uint32_t pcr = 0; pcr < SL_TPM_PCR_COUNT; pcr++) {
            char hex[2 * SL_TPM_DIGEST_MAX + 1];

            if ((replay->touched >> pcr & 1) != 0) {
                sl_hex_encode(bank->pcr[pcr], bank->hash->size, hex);
                printf("  PCR %-2u %-7s %s\n", pcr, bank->hash->name, hex);
            }
        }
    }
}

void ima_reading_show(const struct ima_reading *reading)
{
    const char *name;
    json_t *value;

    printf("%llu entries, %llu bad template hashes, %llu violations\n",
           (unsigned long long)reading->replay.entries,
           (unsigned long long)reading->replay.bad_hashes,
           (unsigned long long)reading->replay.violations);
    json_object_foreach(reading->templates, name, value)
    {
        printf("  template %s: %lld\n", name, json_integer_value(value));
    }
    json_object_foreach(reading->containers, name, value)
    {
        printf("  container by %s ", json_string_value(json_object_get(value, "by")));
        ima_text_print(stdout, name);
        printf(": %lld entries, %lld bad, %lld violations\n",
               json_integer_value(json_object_get(value, "entries")),
               json_integer_value(json_object_get(value, "bad_hashes")),
               json_integer_value(json_object_get(value, "violations")));
    }
    if (reading->keyring != NULL) {
        printf("%llu good signatures, %llu refused\n", (unsigned long long)reading->good_sigs,
               (unsigned long long)reading->refused_sigs);
    }
    pcrs_show(&reading->replay);
    if (reading->has_wanted && reading->reached != 0) {
        printf("PCR 10 has the given value after entry %llu of %llu%s\n",
               (unsigned long long)reading->reached, (unsigned long long)reading->replay.entries,
               reading->is_reached_padded ? " (SHA-1 padded, as kernels before 5.8 extend)" : "");
    } else if (reading->has_wanted) {
        printf("PCR 10 never has the given value\n");
    }
}
