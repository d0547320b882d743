/* SPDX-License-Identifier: Apache-2.0 */
/* The measurement list, against real lists and lists built here with every template. */
#include "../unit.h"

#include "attest/ima_replay.h"
#include "safelib/bytes.h"

static uint8_t *file_read(const char *vector, size_t *ret_size)
{
    char path[512];
    FILE *file;
    uint8_t *data;

    vector_path(vector, path, sizeof(path));
    file = fopen(path, "rb");
    assert_non_null(file);
    data = malloc(1 << 20);
    assert_non_null(data);
    *ret_size = fread(data, 1, 1 << 20, file);
    (void)fclose(file);
    return data;
}

/* What a whole list has in it. */
struct totals {
    uint64_t entries, bad_hashes, violations, refused;
    uint8_t sha1[20], sha256[32];
    char refusals[4096];
};

static void totals_read(const uint8_t *data, size_t size, enum sl_ima_log_format format,
                        struct totals *totals)
{
    static const uint16_t BANKS[] = {SL_TPM_ALG_SHA1, SL_TPM_ALG_SHA256};
    struct sl_ima_log log;
    struct sl_ima_replay replay;
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    struct sl_err err = {0};
    sl_rc rc;

    memset(totals, 0, sizeof(*totals));
    assert_non_null(entry);
    if (sl_ima_log_init(&log, (struct sl_blob){data, size}, format, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_ok(sl_ima_replay_init(&replay, BANKS, 2, SL_IMA_EXTEND_HASH));
    while ((rc = sl_ima_log_next(&log, entry, &err)) != SL_CLOSED) {
        if (rc == SL_OK) {
            assert_ok(sl_ima_replay_add(&replay, entry, NULL));
        } else {
            totals->refused++;
            strncat(totals->refusals, err.text,
                    sizeof(totals->refusals) - strlen(totals->refusals) - 1);
            strncat(totals->refusals, "\n",
                    sizeof(totals->refusals) - strlen(totals->refusals) - 1);
            if (format == SL_IMA_BINARY) {
                break;
            }
        }
    }
    totals->entries = replay.entries;
    totals->bad_hashes = replay.bad_hashes;
    totals->violations = replay.violations;
    memcpy(totals->sha1, sl_ima_replay_pcr(&replay, SL_TPM_ALG_SHA1, 10), 20);
    memcpy(totals->sha256, sl_ima_replay_pcr(&replay, SL_TPM_ALG_SHA256, 10), 32);
    sl_ima_log_done(&log);
    free(entry);
}

#define TSS "ima/tpm2-tss/test/data/fapi/eventlog/sml-ima-"

static void test_published_lists(void **state)
{
    static const struct {
        const char *file;
        enum sl_ima_log_format format;
        uint64_t entries, bad_hashes, violations, refused;
    } ROWS[] = {
        {"ima/rust-keylime/ascii_runtime_measurements", SL_IMA_ASCII, 826, 0, 0, 0},
        {"ima/rust-keylime/ima_log.txt", SL_IMA_ASCII, 1, 0, 0, 0},
        {"ima/rust-keylime/empty_ima_log.txt", SL_IMA_ASCII, 0, 0, 0, 0},
        {"ima/rust-keylime/invalid_ima_log.txt", SL_IMA_ASCII, 0, 0, 0, 1},
        /* cut within their last entry */
        {TSS "sha1.bin", SL_IMA_BINARY, 12, 0, 0, 1},
        {TSS "ng-sha1.bin", SL_IMA_BINARY, 6, 0, 0, 1},
        {TSS "sig-sha256.bin", SL_IMA_BINARY, 9, 0, 0, 1},
        {TSS "sha1-invalidated.bin", SL_IMA_BINARY, 1, 0, 1, 0},
        {TSS "sig-sha256-invalidated.bin", SL_IMA_BINARY, 2, 0, 1, 0},
        {"ima/keylime/test_ima_dm.lines.txt", SL_IMA_ASCII, 15, 0, 0, 0},
        {"ima/keylime/test_ima_verification.lines.txt", SL_IMA_ASCII, 7, 1, 0, 0},
        {"ima/keylime/test_ima_ast.lines.txt", SL_IMA_ASCII, 6, 0, 0, 1},
        {"ima/keylime/test_create_runtime_policy.lines.txt", SL_IMA_ASCII, 8, 1, 2, 3},
    };
    struct totals *totals = malloc(sizeof(*totals));

    assert_non_null(totals);
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        size_t size;
        uint8_t *data = file_read(ROWS[i].file, &size);

        totals_read(data, size, ROWS[i].format, totals);
        if (totals->entries != ROWS[i].entries || totals->bad_hashes != ROWS[i].bad_hashes ||
            totals->violations != ROWS[i].violations || totals->refused != ROWS[i].refused) {
            fail_msg("%s: %d entries, %d bad, %d violations, %d refused\n%s", ROWS[i].file,
                     (int)totals->entries, (int)totals->bad_hashes, (int)totals->violations,
                     (int)totals->refused, totals->refusals);
        }
        free(data);
    }
    free(totals);
}

/* ---- lists built here: the same entry in both forms must give the same bytes and hashes ---- */

struct field {
    const char *ascii;
    const char *bytes; /* as the kernel holds them */
    size_t size;
};
#define BYTES(text) text, sizeof(text) - 1

struct row {
    const char *template;
    struct field fields[9];
};

static const struct row ROWS_BUILT[] = {
    {"ima-ng",
     {{"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/usr/bin/true", BYTES("/usr/bin/true\0")}}},
    {"ima-sig",
     {{"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/usr/bin/signed", BYTES("/usr/bin/signed\0")},
      {"030204ff", BYTES("\3\2\4\377")}}},
    {"ima-sig",
     {{"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/usr/bin/unsigned", BYTES("/usr/bin/unsigned\0")},
      {"", BYTES("")}}},
    {"ima-ngv2",
     {{"verity:sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("verity:sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/v", BYTES("/v\0")}}},
    {"ima-sigv2",
     {{"ima:sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("ima:sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/v", BYTES("/v\0")},
      {"ab", BYTES("\253")}}},
    {"ima-buf",
     {{"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"kexec-cmdline", BYTES("kexec-cmdline\0")},
      {"726f6f74", BYTES("root")}}},
    {"ima-modsig",
     {{"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/m.ko", BYTES("/m.ko\0")},
      {"", BYTES("")},
      {"sha1:0102030405060708090a0b0c0d0e0f1011121315",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\25")},
      {"3082", BYTES("\060\202")}}},
    {"evm-sig",
     {{"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/e", BYTES("/e\0")},
      {"05", BYTES("\5")},
      {"security.selinux|security.ima", BYTES("security.selinux|security.ima\0")},
      {"0100000002000000", BYTES("\1\0\0\0\2\0\0\0")},
      {"aabbcc", BYTES("\252\273\314")},
      {"1000", BYTES("\350\3\0\0")},
      {"100", BYTES("\144\0\0\0")},
      {"33261", BYTES("\355\201")}}},
    {"dep|cgn|d-ng|n-ng",
     {{"swapper/0:/usr/bin/runc", BYTES("swapper/0:/usr/bin/runc\0")},
      {"docker-4f1", BYTES("docker-4f1\0")},
      {"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/bin/sh", BYTES("/bin/sh\0")}}},
    {"dep|cg-path|d-ng|n-ng|sig",
     {{"/usr/bin/runc", BYTES("/usr/bin/runc\0")},
      {"/docker/4f1", BYTES("/docker/4f1\0")},
      {"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/bin/sh", BYTES("/bin/sh\0")},
      {"", BYTES("")}}},
    {"dev-id|d-ng|n-ng",
     {{"0:52", BYTES("0:52\0")},
      {"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/bin/sh", BYTES("/bin/sh\0")}}},
    {"d-ng|n-ng",
     {{"sha1:0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("sha1:\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/custom", BYTES("/custom\0")}}},
    {"d|n",
     {{"0102030405060708090a0b0c0d0e0f1011121314",
       BYTES("\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24")},
      {"/old", BYTES("/old\0")}}},
    {"d|n",
     {{"0102030405060708090a0b0c0d0e0f10", BYTES("\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20")},
      {"/md5", BYTES("/md5\0")}}},
};
enum { BUILT_COUNT = sizeof(ROWS_BUILT) / sizeof(ROWS_BUILT[0]) };

struct built {
    uint8_t binary[8192];
    char ascii[8192];
    size_t binary_size, ascii_size;
    size_t ends[BUILT_COUNT + 1]; /* of the binary entries */
};

static void u32_put(uint8_t *at, uint32_t value, bool is_big_endian)
{
    value = is_big_endian ? __builtin_bswap32(value) : value;
    memcpy(at, &value, 4);
}

static uint32_t field_count(const struct row *row)
{
    uint32_t count = 0;

    while (count < 9 && row->fields[count].ascii != NULL) {
        count++;
    }
    return count;
}

/* One entry by the kernel's rules, written independently of the reader. */
static size_t entry_put(uint8_t *at, const struct row *row, bool is_big_endian, const char *hash,
                        uint8_t ret_hash[SL_TPM_DIGEST_MAX])
{
    const size_t name = strlen(row->template), hash_size = strcmp(hash, "SHA1") == 0 ? 20 : 32;
    uint8_t *data = at + 4 + hash_size + 4 + name + 4, *end = data;

    for (uint32_t i = 0; i < field_count(row); i++) {
        u32_put(end, (uint32_t)row->fields[i].size, is_big_endian);
        memcpy(end + 4, row->fields[i].bytes, row->fields[i].size);
        end += 4 + row->fields[i].size;
    }
    u32_put(at, 10, is_big_endian);
    assert_int_equal(
        EVP_Digest(data, (size_t)(end - data), ret_hash, NULL, EVP_get_digestbyname(hash), NULL),
        1);
    memcpy(at + 4, ret_hash, hash_size);
    u32_put(at + 4 + hash_size, (uint32_t)name, is_big_endian);
    memcpy(at + 8 + hash_size, row->template, name);
    u32_put(data - 4, (uint32_t)(end - data), is_big_endian);
    return (size_t)(end - at);
}

static void text_write(struct sl_writer *w, const char *text)
{
    sl_writer_bytes(w, text, strlen(text));
}

static struct built *list_build(bool is_big_endian, const char *hash)
{
    struct built *built = calloc(1, sizeof(*built));
    uint8_t digest[SL_TPM_DIGEST_MAX];
    char hex[2 * SL_TPM_DIGEST_MAX + 1];

    assert_non_null(built);
    for (size_t i = 0; i < BUILT_COUNT; i++) {
        const struct row *row = &ROWS_BUILT[i];
        char *ascii = built->ascii + built->ascii_size;

        if (is_big_endian && strcmp(row->template, "evm-sig") == 0) {
            built->ends[i + 1] = built->binary_size;
            continue; /* its numbers would need bytes of their own */
        }
        built->binary_size +=
            entry_put(built->binary + built->binary_size, row, is_big_endian, hash, digest);
        built->ends[i + 1] = built->binary_size;
        sl_hex_encode(digest, strcmp(hash, "SHA1") == 0 ? 20 : 32, hex);
        struct sl_writer w;

        sl_writer_init(&w, ascii, sizeof(built->ascii) - built->ascii_size);
        text_write(&w, "10 ");
        text_write(&w, hex);
        text_write(&w, " ");
        text_write(&w, row->template);
        for (uint32_t f = 0; f < field_count(row); f++) {
            text_write(&w, " ");
            text_write(&w, row->fields[f].ascii);
        }
        text_write(&w, "\n");
        assert_ok(w.rc);
        built->ascii_size += w.off;
    }
    return built;
}
static void test_every_template_reads_the_same_in_both_forms(void **state)
{
    static const char *const HASHES[] = {"SHA1", "SHA256"};

    for (int round = 0; round < 4; round++) {
        struct built *built = list_build((round & 1) != 0, HASHES[round / 2]);
        const size_t count = BUILT_COUNT - (round & 1);
        struct totals *binary = malloc(sizeof(*binary)), *ascii = malloc(sizeof(*ascii));

        totals_read(built->binary, built->binary_size, SL_IMA_BINARY, binary);
        totals_read((const uint8_t *)built->ascii, built->ascii_size, SL_IMA_ASCII, ascii);
        assert_int_equal(binary->refused, 0);
        assert_string_equal(ascii->refusals, "");
        assert_int_equal(binary->entries, count);
        assert_int_equal(ascii->entries, count);
        assert_int_equal(binary->bad_hashes, 0);
        assert_int_equal(ascii->bad_hashes, 0);
        assert_memory_equal(binary->sha1, ascii->sha1, 20);
        assert_memory_equal(binary->sha256, ascii->sha256, 32);
        free(binary);
        free(ascii);
        free(built);
    }
}

static void test_binary_cut_anywhere_keeps_the_whole_entries(void **state)
{
    struct built *built = list_build(false, "SHA1");
    struct totals *totals = malloc(sizeof(*totals));

    for (size_t size = built->ends[1]; size <= built->binary_size; size++) {
        uint8_t *copy = malloc(size); /* so that a read behind its end is seen */
        size_t whole = 0;

        memcpy(copy, built->binary, size);
        while (whole < BUILT_COUNT && built->ends[whole + 1] <= size) {
            whole++;
        }
        totals_read(copy, size, SL_IMA_BINARY, totals);
        assert_int_equal(totals->entries, whole);
        assert_int_equal(totals->refused, size == built->ends[whole] ? 0 : 1);
        assert_int_equal(totals->bad_hashes, 0);
        free(copy);
    }
    free(totals);
    free(built);
}

/* A changed byte is seen: by the form, by the template hash, or in what was changed (PCR, name of
 * the template, the hash itself), and never by a crash. */
static void test_binary_with_one_byte_changed_never_replays_the_same(void **state)
{
    struct built *built = list_build(false, "SHA1");
    struct totals *good = malloc(sizeof(*good)), *bad = malloc(sizeof(*bad));
    const size_t size = built->ends[3];

    totals_read(built->binary, size, SL_IMA_BINARY, good);
    for (size_t at = 0; at < size; at++) {
        struct sl_ima_log log;
        uint8_t *copy = malloc(size);

        memcpy(copy, built->binary, size);
        copy[at] ^= 0x40;
        if (sl_ima_log_init(&log, (struct sl_blob){copy, size}, SL_IMA_BINARY, NULL) == SL_OK) {
            sl_ima_log_done(&log);
            totals_read(copy, size, SL_IMA_BINARY, bad);
            assert_true(bad->refused > 0 || bad->bad_hashes > 0 || bad->entries != good->entries ||
                        memcmp(bad->sha256, good->sha256, 32) != 0);
        }
        free(copy);
    }
    free(good);
    free(bad);
    free(built);
}

static void test_violation_extends_ones(void **state)
{
    static const char LINE[] = "10 0000000000000000000000000000000000000000 ima-ng "
                               "sha1:0000000000000000000000000000000000000000 /x\n";
    uint8_t input[40] = {0}, expected[20];
    struct totals *totals = malloc(sizeof(*totals));

    memset(input + 20, 0xff, 20);
    assert_int_equal(EVP_Digest(input, 40, expected, NULL, EVP_sha1(), NULL), 1);
    totals_read((const uint8_t *)LINE, strlen(LINE), SL_IMA_ASCII, totals);
    assert_int_equal(totals->violations, 1);
    assert_int_equal(totals->bad_hashes, 0);
    assert_memory_equal(totals->sha1, expected, 20);
    free(totals);
}

static void test_ascii_refusals_name_what_is_wrong(void **state)
{
    static const struct {
        const char *line, *words;
    } LINES[] = {
        {"99 00 ima-ng", "is no PCR"},
        {"10 00 ima-ng", "is no template hash"},
        {"10 AA00000000000000000000000000000000000000 ima-ng", "is no template hash"},
        {"10 0000000000000000000000000000000000000000 ", "template's name of 0 bytes"},
        {"10 0000000000000000000000000000000000000000 what", "field \"what\" is not known"},
        {"10 0000000000000000000000000000000000000000 ima-ng sha1:00 /x", "sha1 digest of 1 bytes"},
        {"10 0000000000000000000000000000000000000000 ima-ng sha1:0 /x", "field d-ng is"},
        {"10 0000000000000000000000000000000000000000 ima-ng sha1", "field d-ng is"},
        {"10 0000000000000000000000000000000000000000 ima-ng nothing: /x", "digest of 0 bytes"},
        {"10 0000000000000000000000000000000000000000 ima 00 x", "40 hex digits"},
        {"10 0000000000000000000000000000000000000000 "
         "iuid 99999999999",
         "field iuid is"},
        {"10 0000000000000000000000000000000000000000 imode 65536", "field imode is"},
    };
    struct totals *totals = malloc(sizeof(*totals));

    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        totals_read((const uint8_t *)LINES[i].line, strlen(LINES[i].line), SL_IMA_ASCII, totals);
        assert_int_equal(totals->refused, 1);
        if (strstr(totals->refusals, LINES[i].words) == NULL) {
            fail_msg("\"%s\": %s", LINES[i].line, totals->refusals);
        }
    }
    free(totals);
}

static void test_banks_of_older_kernels_are_padded(void **state)
{
    static const uint16_t BANK[] = {SL_TPM_ALG_SHA256};
    struct built *built = list_build(false, "SHA1");
    struct sl_ima_log log;
    struct sl_ima_replay replay;
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    uint8_t input[64] = {0}, expected[32];
    bool is_good = false;

    assert_ok(sl_ima_log_init(&log, (struct sl_blob){built->binary, built->ends[1]}, SL_IMA_BINARY,
                              NULL));
    assert_ok(sl_ima_replay_init(&replay, BANK, 1, SL_IMA_EXTEND_PADDED));
    assert_ok(sl_ima_log_next(&log, entry, NULL));
    memcpy(input + 32, entry->template_hash, 20);
    assert_int_equal(EVP_Digest(input, 64, expected, NULL, EVP_sha256(), NULL), 1);
    assert_ok(sl_ima_replay_add(&replay, entry, &is_good));
    assert_true(is_good);
    assert_memory_equal(sl_ima_replay_pcr(&replay, SL_TPM_ALG_SHA256, 10), expected, 32);
    assert_null(sl_ima_replay_pcr(&replay, SL_TPM_ALG_SHA1, 10));
    assert_null(sl_ima_replay_pcr(&replay, SL_TPM_ALG_SHA256, 24));
    assert_rc(sl_ima_replay_pcr_set(&replay, SL_TPM_ALG_SHA1, 10, expected), SL_NOT_FOUND);
    assert_rc(sl_ima_log_next(&log, entry, NULL), SL_CLOSED);
    sl_ima_log_done(&log);
    free(entry);
    free(built);
}

static void test_replay_goes_on_from_a_checkpoint(void **state)
{
    static const uint16_t BANKS[] = {SL_TPM_ALG_SHA1, SL_TPM_ALG_SHA256};
    struct built *built = list_build(false, "SHA1");
    struct totals *whole = malloc(sizeof(*whole)), *first = malloc(sizeof(*first));
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    struct sl_ima_log log;
    struct sl_ima_replay replay;
    const size_t cut = built->ends[4];

    totals_read(built->binary, built->binary_size, SL_IMA_BINARY, whole);
    totals_read(built->binary, cut, SL_IMA_BINARY, first);
    assert_ok(sl_ima_log_init(&log, (struct sl_blob){built->binary + cut, built->binary_size - cut},
                              SL_IMA_BINARY, NULL));
    log.count = first->entries;
    assert_ok(sl_ima_replay_init(&replay, BANKS, 2, SL_IMA_EXTEND_HASH));
    assert_ok(sl_ima_replay_pcr_set(&replay, SL_TPM_ALG_SHA256, 10, first->sha256));
    while (sl_ima_log_next(&log, entry, NULL) == SL_OK) {
        assert_ok(sl_ima_replay_add(&replay, entry, NULL));
    }
    assert_int_equal(entry->number, whole->entries);
    assert_memory_equal(sl_ima_replay_pcr(&replay, SL_TPM_ALG_SHA256, 10), whole->sha256, 32);
    sl_ima_log_done(&log);
    free(entry);
    free(whole);
    free(first);
    free(built);
}

/* A format of one's own may use the old fields: lengths in front, and a path all the same. */
static void test_custom_format_of_old_fields_has_digest_and_path(void **state)
{
    static const char LINES[] =
        "10 0000000000000000000000000000000000000001 d|n "
        "0102030405060708090a0b0c0d0e0f1011121314 /old name\n"
        "10 0000000000000000000000000000000000000001 d|n 0102030405060708090a0b0c0d0e0f10 /md5\n";
    static const struct {
        const char *path, *alg;
        size_t size;
    } ROWS[] = {{"/old name", "sha1", 20}, {"/md5", "md5", 16}};
    struct sl_ima_entry *entry = malloc(sizeof(*entry));
    struct sl_ima_log log;

    assert_non_null(entry);
    assert_ok(sl_ima_log_init(&log, (struct sl_blob){(const uint8_t *)LINES, sizeof(LINES) - 1},
                              SL_IMA_ASCII, NULL));
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        assert_ok(sl_ima_log_next(&log, entry, NULL));
        assert_string_equal(entry->path, ROWS[i].path);
        assert_string_equal(entry->digest.hash->name, ROWS[i].alg);
        assert_int_equal(entry->digest.size, ROWS[i].size);
    }
    assert_true(sl_ima_log_is_end(&log));
    sl_ima_log_done(&log);
    free(entry);
}

static void test_replay_refuses_banks_it_cannot_have(void **state)
{
    static const uint16_t UNKNOWN[] = {0x1234}, MANY[SL_IMA_BANKS_MAX + 1];
    struct sl_ima_replay replay;

    assert_rc(sl_ima_replay_init(&replay, UNKNOWN, 1, SL_IMA_EXTEND_HASH), SL_UNSUPPORTED);
    assert_rc(sl_ima_replay_init(&replay, MANY, SL_IMA_BANKS_MAX + 1, SL_IMA_EXTEND_HASH),
              SL_RANGE);
    assert_rc(sl_ima_replay_init(&replay, UNKNOWN, 0, SL_IMA_EXTEND_HASH), SL_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_lists),
        cmocka_unit_test(test_every_template_reads_the_same_in_both_forms),
        cmocka_unit_test(test_binary_cut_anywhere_keeps_the_whole_entries),
        cmocka_unit_test(test_binary_with_one_byte_changed_never_replays_the_same),
        cmocka_unit_test(test_violation_extends_ones),
        cmocka_unit_test(test_ascii_refusals_name_what_is_wrong),
        cmocka_unit_test(test_banks_of_older_kernels_are_padded),
        cmocka_unit_test(test_replay_goes_on_from_a_checkpoint),
        cmocka_unit_test(test_custom_format_of_old_fields_has_digest_and_path),
        cmocka_unit_test(test_replay_refuses_banks_it_cannot_have),
    };
    return cmocka_run_group_tests_name("attest/ima_log", tests, NULL, NULL);
}
