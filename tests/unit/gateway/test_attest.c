/* SPDX-License-Identifier: Apache-2.0 */
/* Which image gets anything: the genuine one on this very connection, and no other, whatever the
 * host between does. TLS, control server, evidence and verifier are the real ones; the enclave is
 * emulated. */
#include "lying_host.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "collateral/cache.h"
#include "evidence/evidence.h"
#include "gateway/attest.h"

enum { GENUINE = 0xa1, OTHER = 0xb2, TIMEOUT_MS = 60000 };

static struct {
    struct sl_identity *tenant, *stranger;
    struct sl_attest_file policy;
    struct sl_gw_attest gateway;
    struct emu_site *site; /* the genuine enclave's machine */
    struct lying_host host;
    struct sl_err err;
} t;

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    assert_ok(sl_identity_generate("tenant", &t.tenant));
    assert_ok(sl_identity_generate("stranger", &t.stranger));
    struct sl_attest_policy *policy = &t.policy.policy;
    policy->reference_count = 1;
    policy->references[0].has_mrenclave = true;
    memset(policy->references[0].mrenclave, GENUINE, 32);
    policy->tcb_accepted = 1u << SL_TCB_UP_TO_DATE;
    policy->insecure_allow_emulated = true;
    assert_ok(sl_gw_attest_init(&t.gateway, &t.policy, t.tenant->spki_hash, &t.err));
    t.site = emu_site_open(GENUINE, false);
    lying_host_open(&t.host, t.site, t.tenant->spki_hash);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lying_host_close(&t.host);
    emu_site_close(t.site);
    sl_gw_attest_done(&t.gateway);
    sl_identity_free(t.tenant);
    sl_identity_free(t.stranger);
    return 0;
}

/* What a gateway does with a new connection, up to the verdict. */
static sl_rc attest(struct sl_client *client)
{
    t.err = (struct sl_err){0};
    sl_rc rc = sl_client_connect(client, TIMEOUT_MS, &t.err);
    return rc == SL_OK ? sl_gw_attest_image(&t.gateway, client, NULL, TIMEOUT_MS, &t.err) : rc;
}

static sl_rc attest_host(struct lying_host *host)
{
    struct sl_client *client = lying_host_connect(host, t.tenant);
    sl_rc rc = attest(client);
    sl_client_free(client);
    return rc;
}

static void assert_refused(struct lying_host *host, sl_rc rc, const char *what)
{
    if (rc != SL_DENIED || strstr(t.err.text, what) == NULL) {
        fail_msg("expected a refusal for \"%s\", not %s: %s", what, sl_rc_name(rc), t.err.text);
    }
    assert_int_equal(t.gateway.state, SL_GW_ATTEST_REFUSED);
    assert_non_null(strstr(t.gateway.reason, what));
    lying_host_assert_nothing_given(host);
}

/* ---- the genuine one ---- */

static void test_genuine_image_is_accepted_and_can_be_provisioned(void **state)
{
    (void)state;
    struct sl_client *client = lying_host_connect(&t.host, t.tenant);
    assert_ok(attest(client));
    assert_int_equal(t.gateway.state, SL_GW_ATTEST_VERIFIED);
    json_t *status = sl_gw_attest_status(&t.gateway);
    assert_string_equal(json_string_value(json_object_get(status, "state")), "verified");
    assert_string_equal(json_string_value(json_object_get(status, "type")), "sgx");
    assert_string_equal(json_string_value(json_object_get(status, "tcb")), "UpToDate");
    assert_true(json_is_true(json_object_get(status, "emulated")));
    const char *measurement = json_string_value(json_object_get(status, "measurement"));
    assert_non_null(measurement);
    assert_int_equal(strncmp(measurement, "a1a1a1a1", 8), 0);
    json_decref(status);
    struct sl_msg_sa sa = rig_sa(&t.host.rig, 0, true);
    assert_ok(sl_client_sa_make(client, &sa, &t.err));
    assert_ok(sl_client_sa_set(client, TIMEOUT_MS, &sa, &t.err));
    /* and again, on the same connection */
    assert_ok(sl_gw_attest_image(&t.gateway, client, NULL, TIMEOUT_MS, &t.err));
    assert_true(sl_provision_has_sa(&t.host.rig.provision));
    assert_int_equal(t.gateway.verified, 2);
    sl_client_free(client);
}

static void test_reattestation_wants_the_policy_that_was_given(void **state)
{
    (void)state;
    struct sl_client *client = lying_host_connect(&t.host, t.tenant);
    uint8_t hash[32];
    assert_ok(attest(client));
    assert_ok(rig_set_chain(&t.host.rig, 5, SL_VERDICT_PASS));
    memcpy(hash, t.host.rig.provision.hash, sizeof(hash));
    struct sl_gw_attest_expected expected = {5, hash};
    assert_ok(sl_gw_attest_image(&t.gateway, client, &expected, TIMEOUT_MS, &t.err));
    expected.policy_version = 6;
    assert_rc(sl_gw_attest_image(&t.gateway, client, &expected, TIMEOUT_MS, &t.err), SL_DENIED);
    assert_non_null(strstr(t.err.text, "policy version 5, and was given 6"));
    expected.policy_version = 5;
    hash[31] ^= 1;
    assert_rc(sl_gw_attest_image(&t.gateway, client, &expected, TIMEOUT_MS, &t.err), SL_DENIED);
    sl_client_free(client);
}

/* ---- evidence that is true, of something else ---- */

static uint8_t kept[LYING_BUNDLE_MAX];
static size_t kept_size;

static void keep_and_give(struct lying_host *host)
{
    memcpy(kept, host->bundle, host->bundle_size);
    kept_size = host->bundle_size;
    lying_host_give(host, host->request, host->bundle, host->bundle_size);
}

static void keep_only(struct lying_host *host)
{
    memcpy(kept, host->bundle, host->bundle_size);
    kept_size = host->bundle_size;
}

static void give_kept(struct lying_host *host)
{
    lying_host_give(host, host->request, kept, kept_size);
}

static void test_replay_of_an_earlier_connection_is_refused(void **state)
{
    (void)state;
    t.host.lie = keep_and_give;
    assert_ok(attest_host(&t.host));
    t.host.lie = give_kept;
    assert_refused(&t.host, attest_host(&t.host), "report-data");
}

static void test_stale_nonce_on_the_same_connection_is_refused(void **state)
{
    (void)state;
    struct sl_client *client = lying_host_connect(&t.host, t.tenant);
    t.host.lie = keep_and_give;
    assert_ok(attest(client));
    t.host.lie = give_kept; /* same exporter, same keys: only the nonce is another */
    assert_refused(&t.host, sl_gw_attest_image(&t.gateway, client, NULL, TIMEOUT_MS, &t.err),
                   "report-data");
    sl_client_free(client);
}

static void test_diversion_to_another_connection_is_refused(void **state)
{
    (void)state;
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {1};
    struct sl_msg reply = {0};
    struct sl_client *one = lying_host_connect(&t.host, t.tenant);
    struct sl_client *two = lying_host_connect(&t.host, t.tenant);
    assert_ok(sl_client_connect(one, TIMEOUT_MS, &t.err));
    /* evidence for connection one is on its way, and does not get there */
    t.host.lie = keep_only;
    assert_ok(sl_client_request(one, SL_MSG_ATTEST, nonce, sizeof(nonce), &t.err));
    for (int i = 0; i < 4; i++) {
        assert_rc(sl_client_poll(one, &reply, &t.err), SL_AGAIN);
    }
    assert_true(kept_size > 0);
    t.host.lie = give_kept;
    assert_refused(&t.host, attest(two), "report-data");
    sl_client_free(one);
    sl_client_free(two);
}

static void test_evidence_of_the_image_before_its_restart_is_refused(void **state)
{
    (void)state;
    t.host.lie = keep_and_give;
    assert_ok(attest_host(&t.host));
    lying_host_close(&t.host);
    lying_host_open(&t.host, t.site, t.tenant->spki_hash); /* another key, made inside */
    t.host.lie = give_kept;
    assert_refused(&t.host, attest_host(&t.host), "report-data");
}

/* The cloud runs its own program in place of the image, and shows the evidence of a genuine one
 * that it has started elsewhere, for a tenant key of its own: the only way to make that one answer.
 */
static void test_cuckoo_is_refused(void **state)
{
    (void)state;
    static struct lying_host elsewhere;
    struct emu_site *site = emu_site_open(GENUINE, false);
    struct sl_client_evidence evidence = {0};
    uint8_t nonce[SL_BINDING_NONCE_SIZE] = {2};
    lying_host_open(&elsewhere, site, t.stranger->spki_hash);
    struct sl_client *cloud = lying_host_connect(&elsewhere, t.stranger);
    assert_ok(sl_client_connect(cloud, TIMEOUT_MS, &t.err));
    assert_ok(sl_client_attest(cloud, TIMEOUT_MS, nonce, &evidence, &t.err));
    memcpy(kept, evidence.bundle, evidence.bundle_size);
    kept_size = evidence.bundle_size;
    sl_msg_done(&evidence.reply);
    t.host.lie = give_kept;
    assert_refused(&t.host, attest_host(&t.host), "report-data");
    sl_client_free(cloud);
    lying_host_close(&elsewhere);
    emu_site_close(site);
}

static void over_zeros(struct lying_host *host)
{
    static const uint8_t zeros[64];
    kept_size = emu_site_bundle_over(host->site, zeros, kept, sizeof(kept));
    give_kept(host);
}

static void over_one_bit_less(struct lying_host *host)
{
    uint8_t data[64];
    memcpy(data, host->data, sizeof(data));
    data[63] ^= 1;
    kept_size = emu_site_bundle_over(host->site, data, kept, sizeof(kept));
    give_kept(host);
}

static void test_evidence_over_other_data_is_refused(void **state)
{
    (void)state;
    t.host.lie = over_zeros;
    assert_refused(&t.host, attest_host(&t.host), "report-data");
    t.host.lie = over_one_bit_less;
    assert_refused(&t.host, attest_host(&t.host), "report-data");
}

/* Each part of the binding is needed by itself: a host that has got all others right gains nothing.
 */
static void test_every_part_of_the_binding_counts(void **state)
{
    (void)state;
    struct sl_binding binding = {.policy_version = 3};
    uint8_t data[64];
    memset(binding.exporter, 1, sizeof(binding.exporter));
    memset(binding.image_key, 2, sizeof(binding.image_key));
    memset(binding.tenant_key, 3, sizeof(binding.tenant_key));
    memset(binding.nonce, 4, sizeof(binding.nonce));
    assert_ok(sl_binding_report_data(&binding, data));
    kept_size = emu_site_bundle_over(t.site, data, kept, sizeof(kept));
    int64_t now_s = (int64_t)time(NULL);
    assert_ok(sl_gw_attest_judge(&t.gateway, &binding, kept, kept_size, now_s, &t.err));
    const size_t offs[] = {
        offsetof(struct sl_binding, exporter),       offsetof(struct sl_binding, image_key),
        offsetof(struct sl_binding, tenant_key),     offsetof(struct sl_binding, policy_hash),
        offsetof(struct sl_binding, policy_version), offsetof(struct sl_binding, nonce)};
    for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
        struct sl_binding other = binding;
        ((uint8_t *)&other)[offs[i]] ^= 0x80;
        assert_rc(sl_gw_attest_judge(&t.gateway, &other, kept, kept_size, now_s, &t.err),
                  SL_DENIED);
        assert_non_null(strstr(t.err.text, "report-data"));
    }
}

/* ---- another image ---- */

static void image_refused(uint8_t fill, bool is_debug, const char *what)
{
    static struct lying_host other;
    struct emu_site *site = emu_site_open(fill, is_debug);
    lying_host_open(&other, site, t.tenant->spki_hash);
    assert_refused(&other, attest_host(&other), what);
    lying_host_close(&other);
    emu_site_close(site);
}

static void test_wrong_measurement_is_refused(void **state)
{
    (void)state;
    image_refused(OTHER, false, "identity");
    json_t *status = sl_gw_attest_status(&t.gateway);
    const char *measurement = json_string_value(json_object_get(status, "measurement"));
    assert_non_null(measurement); /* shown, so that a person sees what it was */
    assert_int_equal(strncmp(measurement, "b2b2b2b2", 8), 0);
    json_decref(status);
}

static void test_debug_image_is_refused(void **state)
{
    (void)state;
    image_refused(GENUINE, true, "debug");
}

static void test_emulator_needs_consent(void **state)
{
    (void)state;
    t.policy.policy.insecure_allow_emulated = false;
    assert_refused(&t.host, attest_host(&t.host), "emulated");
}

static void test_image_of_another_tenant_does_not_even_talk(void **state)
{
    (void)state;
    static struct lying_host other;
    lying_host_open(&other, t.site, t.stranger->spki_hash);
    assert_rc(attest_host(&other), SL_DENIED);
    assert_int_equal(other.server.counters.failed_auth, 1);
    assert_int_equal(other.server.counters.requests, 0);
    lying_host_assert_nothing_given(&other);
    lying_host_close(&other);
}

/* ---- bytes ---- */

static size_t flip_at;

static void give_flipped(struct lying_host *host)
{
    memcpy(kept, host->bundle, host->bundle_size);
    kept[flip_at % host->bundle_size] ^= 0x10;
    lying_host_give(host, host->request, kept, host->bundle_size);
}

/* The issuers of the PCK CRL are in the quote's own chain as well: where this copy is spoilt, that
 * one is used, and the CRL is verified all the same. */
static bool is_redundant(size_t at)
{
    struct sl_evidence evidence;
    assert_ok(sl_evidence_read(t.host.bundle, t.host.bundle_size, &evidence));
    const struct sl_blob *chain = &evidence.collateral.pck_crl_issuer_chain;
    size_t begin = (size_t)(chain->data - t.host.bundle);
    return at >= begin && at < begin + chain->size;
}

static void test_tampered_bundle_is_refused(void **state)
{
    (void)state;
    t.host.lie = keep_and_give;
    assert_ok(attest_host(&t.host));
    uint32_t count = 0;
    t.host.lie = give_flipped;
    /* its own header, the quote from one end to the other, and all of its collateral */
    for (flip_at = 0; flip_at < kept_size; flip_at += flip_at < 600 ? 13 : 397) {
        sl_rc rc = attest_host(&t.host);
        if (rc != SL_DENIED && !is_redundant(flip_at)) {
            fail_msg("byte %zu of %zu: %s", flip_at, kept_size, sl_rc_name(rc));
        }
        lying_host_assert_nothing_given(&t.host);
        count++;
    }
    assert_true(count > 50);
}

static void give_half(struct lying_host *host)
{
    lying_host_give(host, host->request, host->bundle, host->bundle_size / 2);
}
static void give_more(struct lying_host *host)
{
    memcpy(kept, host->bundle, host->bundle_size);
    kept[host->bundle_size] = 0;
    lying_host_give(host, host->request, kept, host->bundle_size + 1);
}
static void give_garbage(struct lying_host *host)
{
    memset(kept, 0x5a, 100);
    lying_host_give(host, host->request, kept, 100);
}
static void give_vtpm(struct lying_host *host)
{
    memcpy(kept, host->bundle, host->bundle_size);
    sl_be16_put(kept + 2, SL_BINDING_VTPM);
    lying_host_give(host, host->request, kept, host->bundle_size);
}
static void give_as_tdx(struct lying_host *host)
{
    memcpy(kept, host->bundle, host->bundle_size);
    sl_be16_put(kept, SL_ATTEST_TDX);
    lying_host_give(host, host->request, kept, host->bundle_size);
}

static void test_bundles_of_no_use_are_refused(void **state)
{
    (void)state;
    const struct {
        void (*lie)(struct lying_host *host);
        const char *what;
    } rows[] = {
        {give_half, "evidence-format"},    {give_more, "evidence-format"},
        {give_garbage, "evidence-format"}, {give_vtpm, "virtual TPM"},
        {give_as_tdx, "evidence"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        t.host.lie = rows[i].lie;
        assert_refused(&t.host, attest_host(&t.host), rows[i].what);
    }
}

static void give_too_much(struct lying_host *host)
{
    lying_host_piece(host, host->request, SL_OK, SL_EVIDENCE_BUNDLE_MAX + 1, 0, host->bundle, 100);
}
static void give_gap(struct lying_host *host)
{
    lying_host_piece(host, host->request, SL_OK, 200, 0, host->bundle, 100);
    lying_host_piece(host, host->request, SL_OK, 200, 101, host->bundle, 99);
}
static void give_nothing(struct lying_host *host)
{
    (void)host;
}
static void give_first_piece(struct lying_host *host)
{
    lying_host_piece(host, host->request, SL_OK, 200, 0, host->bundle, 100);
}
static void give_sentence(struct lying_host *host)
{
    lying_host_piece(host, host->request, SL_UNSUPPORTED, 4, 0, "none", 4);
}

static void test_hosts_that_give_no_evidence_get_nothing(void **state)
{
    (void)state;
    const struct {
        void (*lie)(struct lying_host *host);
        sl_rc rc;
    } rows[] = {
        {give_too_much, SL_MALFORMED},  {give_gap, SL_MALFORMED},        {give_nothing, SL_TIMEOUT},
        {give_first_piece, SL_TIMEOUT}, {give_sentence, SL_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        t.host.lie = rows[i].lie;
        assert_rc(attest_host(&t.host), rows[i].rc);
        assert_int_equal(t.gateway.state, SL_GW_ATTEST_REFUSED);
        lying_host_assert_nothing_given(&t.host);
    }
    json_t *status = sl_gw_attest_status(&t.gateway);
    assert_true(json_is_null(json_object_get(status, "result"))); /* nothing older is shown */
    json_decref(status);
}

/* ---- the relay ---- */

/* One bit anywhere in the stream, either way. What TLS does not authenticate (the version in the
 * header of a plain record, RFC 8446 5.1: "MUST be ignored") may be changed to no effect; anything
 * else ends the connection. */
static void test_tampered_relay_gets_nothing(void **state)
{
    (void)state;
    uint32_t failed = 0;
    uint32_t passed = 0;
    for (int way = 0; way < 2; way++) {
        for (int64_t at = 0; at < 3000; at += at < 200 ? 3 : 41) {
            struct sl_client *client = lying_host_connect(&t.host, t.tenant);
            struct lying_wire *wire = &t.host.wires[0];
            wire->flip_to_image = way == 0 ? at : -1;
            wire->flip_to_gateway = way == 0 ? -1 : at;
            sl_rc rc = attest(client);
            bool was_flipped = at < (int64_t)(way == 0 ? wire->to_image : wire->to_gateway);
            sl_client_free(client);
            if (rc == SL_OK && was_flipped) {
                passed++;
            }
            failed += rc != SL_OK;
            lying_host_assert_nothing_given(&t.host);
            t.host.now_ns += 3000000000ull;
            lying_host_pump(&t.host);
        }
    }
    assert_true(failed > 150);
    assert_in_range(passed, 0, 4);
}

/* ---- the certificate ---- */

/* Content of the extension; NULL where there is none. */
static const ASN1_OCTET_STRING *extension_of(const struct sl_identity *identity)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(SL_DICE_OID, 1);
    int at = X509_get_ext_by_OBJ(identity->certificate, oid, -1);
    ASN1_OBJECT_free(oid);
    return at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(identity->certificate, at));
}

/* Long enough for what it asks for at its start. */
static void image_starts(void)
{
    for (int i = 0; i < 4; i++) {
        lying_host_pump(&t.host);
    }
}

static void test_certificate_carries_evidence_about_its_key(void **state)
{
    (void)state;
    image_starts();
    assert_true(t.host.server.dice.is_certified);
    const ASN1_OCTET_STRING *value = extension_of(t.host.key);
    assert_non_null(value);
    struct sl_reader r;
    sl_reader_init(&r, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    assert_int_equal(sl_reader_u8(&r), 0xd9); /* tag, two bytes */
    assert_int_equal(sl_reader_be16(&r), 60000);
    assert_int_equal(sl_reader_u8(&r), 0x82); /* array of two */
    assert_int_equal(sl_reader_u8(&r), 0x59); /* bytes, two-byte length */
    uint16_t size = sl_reader_be16(&r);
    const uint8_t *quote = sl_reader_bytes(&r, size);
    assert_int_equal(sl_reader_u8(&r), 0x58);
    assert_int_equal(sl_reader_u8(&r), 51);
    const uint8_t *claims = sl_reader_bytes(&r, 51);
    assert_ok(sl_reader_end(&r));
    assert_memory_equal(claims, "\xa1\x6bpubkey-hash\x58\x24\x82\x01\x58\x20", 19);
    assert_memory_equal(claims + 19, t.host.key->spki_hash, 32);
    uint8_t data[64] = {0};
    assert_int_equal(EVP_Digest(claims, 51, data, NULL, EVP_sha256(), NULL), 1);
    assert_memory_equal(quote + 48 + 320, data, 64); /* report_data of an SGX quote */
    assert_int_equal(X509_verify(t.host.key->certificate, t.host.key->key), 1);
}

/* Good evidence in the certificate, none for the connection: nothing is given. */
static void test_certificate_alone_is_not_enough(void **state)
{
    (void)state;
    image_starts();
    assert_true(t.host.server.dice.is_certified);
    t.host.lie = give_sentence;
    assert_rc(attest_host(&t.host), SL_UNSUPPORTED);
    assert_int_equal(t.gateway.state, SL_GW_ATTEST_REFUSED);
    lying_host_assert_nothing_given(&t.host);
    /* nor is that evidence any good for the connection */
    t.host.lie = NULL;
    assert_int_equal(t.host.server.counters.attested, 0);
    t.host.lie = give_kept;
    memcpy(kept, t.host.bundle, t.host.bundle_size);
    kept_size = t.host.bundle_size;
    assert_refused(&t.host, attest_host(&t.host), "report-data");
}

static void test_certificate_without_evidence_is_good_as_well(void **state)
{
    (void)state;
    t.host.lie = give_sentence;
    image_starts();
    assert_false(t.host.server.dice.is_certified);
    assert_null(extension_of(t.host.key));
    t.host.lie = NULL;
    assert_ok(attest_host(&t.host));
}

/* ---- collateral ---- */

/* The bundle without what the vendor publishes. */
static void give_bare_quote(struct lying_host *host)
{
    struct sl_evidence evidence;
    struct sl_writer w;
    assert_ok(sl_evidence_read(host->bundle, host->bundle_size, &evidence));
    evidence.collateral = (struct sl_attest_collateral){0};
    sl_writer_init(&w, kept, sizeof(kept));
    sl_evidence_write(&evidence, &w);
    lying_host_give(host, host->request, kept, w.off);
}

static void cache_fill(const char *folder, const uint8_t *bundle, size_t size)
{
    struct sl_evidence evidence;
    struct sl_collateral_set set = {0};
    char key[SL_PLATFORM_KEY_SIZE];
    assert_ok(sl_evidence_read(bundle, size, &evidence));
#define PUT(name, kind, text)                                                                      \
    if (evidence.collateral.name.data != NULL) {                                                   \
        assert_ok(sl_collateral_put(&set, SL_COLLATERAL_##name, evidence.collateral.name.data,     \
                                    evidence.collateral.name.size));                               \
    }
    SL_COLLATERAL_TABLE(PUT)
#undef PUT
    assert_ok(sl_collateral_cache_put(folder, &set, key, &t.err));
    sl_collateral_done(&set);
}

static void test_collateral_comes_from_the_cache_first(void **state)
{
    (void)state;
    char folder[] = "/tmp/sl-gw-collateral-XXXXXX";
    char command[64];
    assert_non_null(mkdtemp(folder));
    t.host.lie = keep_and_give;
    assert_ok(attest_host(&t.host));
    t.host.lie = give_bare_quote;
    assert_refused(&t.host, attest_host(&t.host), "missing");
    /* an empty cache changes nothing; a filled one does */
    (void)snprintf(t.policy.collateral, sizeof(t.policy.collateral), "%s", folder);
    assert_refused(&t.host, attest_host(&t.host), "missing");
    t.host.lie = NULL;
    assert_ok(attest_host(&t.host));
    cache_fill(folder, t.host.bundle, t.host.bundle_size);
    t.host.lie = give_bare_quote;
    assert_ok(attest_host(&t.host));
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own folder */
}

static void test_init_names_what_cannot_be_read(void **state)
{
    (void)state;
    struct sl_gw_attest attest_state;
    struct sl_attest_file policy = t.policy;
    (void)snprintf(policy.roots, sizeof(policy.roots), "/nowhere/roots.pem");
    assert_rc(sl_gw_attest_init(&attest_state, &policy, t.tenant->spki_hash, &t.err), SL_NOT_FOUND);
    assert_non_null(strstr(t.err.text, "attestation.roots: "));
    policy.roots[0] = '\0';
    (void)snprintf(policy.collateral, sizeof(policy.collateral), "/nowhere/cache");
    assert_rc(sl_gw_attest_init(&attest_state, &policy, t.tenant->spki_hash, &t.err), SL_NOT_FOUND);
    assert_non_null(strstr(t.err.text, "attestation.collateral"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_genuine_image_is_accepted_and_can_be_provisioned),
        TEST(test_reattestation_wants_the_policy_that_was_given),
        TEST(test_replay_of_an_earlier_connection_is_refused),
        TEST(test_stale_nonce_on_the_same_connection_is_refused),
        TEST(test_diversion_to_another_connection_is_refused),
        TEST(test_evidence_of_the_image_before_its_restart_is_refused),
        TEST(test_cuckoo_is_refused),
        TEST(test_evidence_over_other_data_is_refused),
        TEST(test_every_part_of_the_binding_counts),
        TEST(test_wrong_measurement_is_refused),
        TEST(test_debug_image_is_refused),
        TEST(test_emulator_needs_consent),
        TEST(test_image_of_another_tenant_does_not_even_talk),
        TEST(test_tampered_bundle_is_refused),
        TEST(test_bundles_of_no_use_are_refused),
        TEST(test_hosts_that_give_no_evidence_get_nothing),
        TEST(test_tampered_relay_gets_nothing),
        TEST(test_certificate_carries_evidence_about_its_key),
        TEST(test_certificate_alone_is_not_enough),
        TEST(test_certificate_without_evidence_is_good_as_well),
        TEST(test_collateral_comes_from_the_cache_first),
        TEST(test_init_names_what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
