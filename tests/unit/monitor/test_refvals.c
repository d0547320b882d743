/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of reference digests: written, mapped, searched, refused where one byte changed; and every
 * importer, on packages, images and folders made here. */
#include "../unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "attest/ima_log.h"
#include "monitor/refvals_import.h"
#include "rig.h"
#include "safelib/bytes.h"

static char folder[64];

static int folder_make(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/sl-refvals-XXXXXX");
    return mkdtemp(folder) == NULL;
}

/* A shell in the folder: tar, ar and sha256sum make what is imported. */
static void run(const char *script)
{
    char line[8192];

    (void)snprintf(line, sizeof(line), "cd %s && set -e && { %s\n} >/dev/null", folder, script);
    assert_int_equal(system(line), 0);
}

static int folder_remove(void **state)
{
    char line[128];

    (void)snprintf(line, sizeof(line), "rm -rf %s", folder);
    return system(line);
}

static const char *in(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static struct sl_import import_make(void)
{
    return (struct sl_import){
        .builder = sl_refset_builder_create(), .algs = {"sha256", "sha1"}, .alg_count = 2};
}

/* Whether a set of the store holds the SHA-256 of a text and a newline. */
static bool holds(const char *set, const char *text)
{
    struct sl_refstore *store = NULL;
    struct sl_err err = {0};
    struct sl_refvals refvals;
    uint8_t digest[32];
    char line[64];
    bool is_held;

    (void)snprintf(line, sizeof(line), "%s\n", text);
    assert_int_equal(EVP_Digest(line, strlen(line), digest, NULL, EVP_sha256(), NULL), 1);
    if (sl_refstore_open(in("store"), &store, &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    refvals = sl_refstore_refvals(store);
    is_held = refvals.find(refvals.ctx, "sha256", digest, 32, &set, 1) != NULL;
    assert_null(refvals.find(refvals.ctx, "sha1", digest, 20, &set, 1));
    sl_refstore_close(store);
    return is_held;
}

static void import_write(struct sl_import *import, const char *name)
{
    assert_ok(sl_refset_write(import->builder, in("store"), name, "a test", 1700000000, NULL));
    sl_refset_builder_free(import->builder);
}

static void test_set_is_found_and_a_changed_byte_refused(void **state)
{
    struct sl_refset_builder *builder = sl_refset_builder_create();
    struct sl_refstore *store = NULL;
    struct sl_err err = {0};
    uint8_t digest[32];
    struct sl_refvals refvals;
    const char *set = "many";
    uint8_t data[4096];
    FILE *file;
    size_t size;

    run("mkdir store");
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(EVP_Digest(&i, sizeof(i), digest, NULL, EVP_sha256(), NULL), 1);
        assert_ok(sl_refset_add(builder, "sha256", digest, 32, i % 2 == 0 ? "/even" : "/odd"));
        assert_ok(sl_refset_add(builder, "sha256", digest, 32, "/twice"));
    }
    assert_rc(sl_refset_add(builder, "sha256", digest, 20, "/x"), SL_RANGE);
    assert_rc(sl_refset_add(builder, "crc32", digest, 4, "/x"), SL_UNSUPPORTED);
    assert_rc(sl_refset_write(builder, in("store"), "../x", "s", 0, &err), SL_INVALID);
    assert_rc(sl_refset_write(builder, in("none"), "x", "s", 0, &err), SL_IO);
    assert_ok(sl_refset_write(builder, in("store"), set, "s", 0, &err));
    sl_refset_builder_free(builder);

    assert_ok(sl_refstore_open(in("store"), &store, &err));
    assert_int_equal(sl_refstore_count(store), 1);
    refvals = sl_refstore_refvals(store);
    for (uint32_t i = 0; i < 1100; i++) {
        const char *found;

        assert_int_equal(EVP_Digest(&i, sizeof(i), digest, NULL, EVP_sha256(), NULL), 1);
        found = refvals.find(refvals.ctx, "sha256", digest, 32, &set, 1);
        assert_int_equal(found != NULL, i < 1000);
    }
    set = "other";
    assert_null(refvals.find(refvals.ctx, "sha256", digest, 32, &set, 1));
    sl_refstore_close(store);

    file = fopen(in("store/many.slref"), "rb");
    assert_non_null(file);
    size = fread(data, 1, sizeof(data), file);
    (void)fclose(file);
    for (size_t at = 0; at < size; at += 97) {
        data[at] ^= 1;
        file = fopen(in("store/many.slref"), "wb");
        assert_int_equal(fwrite(data, 1, size, file), size);
        (void)fclose(file);
        assert_rc(sl_refstore_open(in("store"), &store, &err), SL_MALFORMED);
        data[at] ^= 1;
    }
    run("rm store/many.slref");
    assert_rc(sl_refstore_open(in("nowhere"), &store, &err), SL_NOT_FOUND);
}

/* Digests that are not spread evenly, as no hash makes them, are found all the same. */
static void test_set_of_uneven_digests_is_found(void **state)
{
    struct sl_refset_builder *builder = sl_refset_builder_create();
    struct sl_refstore *store = NULL;
    struct sl_refvals refvals;
    const char *set = "uneven";
    uint8_t digest[32];

    for (uint32_t i = 0; i < 6000; i++) {
        memset(digest, i % 3 == 0 ? 0xff : 0, sizeof(digest));
        sl_be32_put(digest + (i % 3 == 1 ? 0 : 20), 2 * i);
        assert_ok(sl_refset_add(builder, "sha256", digest, 32, "/file"));
    }
    assert_ok(sl_refset_write(builder, in("store"), set, "s", 0, NULL));
    sl_refset_builder_free(builder);
    assert_ok(sl_refstore_open(in("store"), &store, NULL));
    refvals = sl_refstore_refvals(store);
    for (uint32_t i = 0; i < 6000; i++) {
        for (uint32_t odd = 0; odd < 2; odd++) {
            memset(digest, i % 3 == 0 ? 0xff : 0, sizeof(digest));
            sl_be32_put(digest + (i % 3 == 1 ? 0 : 20), 2 * i + odd);
            assert_int_equal(refvals.find(refvals.ctx, "sha256", digest, 32, &set, 1) != NULL,
                             odd == 0);
        }
    }
    sl_refstore_close(store);
    run("rm store/uneven.slref");
}

static void test_package_gives_its_files_and_scripts(void **state)
{
    struct sl_import import = import_make();
    struct sl_err err = {0};

    run("mkdir -p d/usr/bin c; echo prog > d/usr/bin/prog; echo post > c/postinst; echo x > "
        "c/md5sums\n"
        "tar -C d -cJf data.tar.xz .; tar -C c -czf control.tar.gz .; echo 2.0 > debian-binary\n"
        "ar q prog_1_amd64.deb debian-binary control.tar.gz data.tar.xz 2>&1\n"
        "ar q bad.deb debian-binary 2>&1");
    if (sl_import_deb(&import, in("prog_1_amd64.deb"), &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(sl_refset_count(import.builder), 2);
    assert_rc(sl_import_deb(&import, in("bad.deb"), &err), SL_MALFORMED);
    assert_rc(sl_import_deb(&import, in("none.deb"), &err), SL_IO);
    import.size_max = 1;
    assert_rc(sl_import_deb(&import, in("prog_1_amd64.deb"), &err), SL_RANGE);
    import_write(&import, "deb");
    assert_true(holds("deb", "prog"));
    assert_true(holds("deb", "post"));
    assert_false(holds("deb", "x"));
}

static const char IMAGE[] =
    "mkdir -p l1/bin l1/opt l2/bin l2/opt oci/blobs/sha256\n"
    "echo a > l1/bin/a; echo b > l1/bin/b; echo o > l1/opt/o; echo old > l1/bin/c\n"
    "echo new > l2/bin/c; touch l2/bin/.wh.b l2/opt/.wh..wh..opq; echo p > l2/opt/p\n"
    "tar -C l1 -czf l1.tgz .; tar -C l2 -cf l2.tar .; echo '{}' > cfg\n"
    "put() { d=$(sha256sum $1 | cut -d' ' -f1); cp $1 oci/blobs/sha256/$d; }\n"
    "put l1.tgz; a=$d; put l2.tar; b=$d; put cfg\n"
    "printf '{\"config\":{\"digest\":\"sha256:%s\"},\"layers\":[{\"digest\":\"sha256:%s\"},"
    "{\"digest\":\"sha256:%s\"}]}' $d $a $b > m; put m\n"
    "printf '{\"manifests\":[{\"digest\":\"sha256:%s\",\"platform\":{\"os\":\"linux\","
    "\"architecture\":\"amd64\"}}]}' $d > oci/index.json\n"
    "tar -C oci -cf oci.tar .";

static void test_image_gives_what_a_container_can_run(void **state)
{
    struct sl_import layout = import_make(), archive = import_make(), other = import_make();
    struct sl_err err = {0};

    run(IMAGE);
    if (sl_import_oci(&layout, in("oci"), "linux/amd64", &err) != SL_OK ||
        sl_import_oci(&archive, in("oci.tar"), "linux/amd64", &err) != SL_OK) {
        fail_msg("%s", err.text);
    }
    import_write(&layout, "layout");
    import_write(&archive, "archive");
    for (int i = 0; i < 2; i++) {
        const char *set = i == 0 ? "layout" : "archive";

        assert_true(holds(set, "a") && holds(set, "new") && holds(set, "p"));
        assert_false(holds(set, "b"));   /* whiteout */
        assert_false(holds(set, "o"));   /* opaque folder */
        assert_false(holds(set, "old")); /* replaced */
    }
    assert_rc(sl_import_oci(&other, in("oci"), "linux/arm64", &err), SL_NOT_FOUND);
    assert_rc(sl_import_oci(&other, in("none"), "linux/amd64", &err), SL_NOT_FOUND);
    run("for f in oci/blobs/sha256/*; do printf x >> $f; done");
    assert_rc(sl_import_oci(&other, in("oci"), "linux/amd64", &err), SL_MISMATCH);
    sl_refset_builder_free(other.builder);
}

static void test_folder_and_sums_are_taken(void **state)
{
    struct sl_import import = import_make();
    struct sl_err err = {0};

    run("mkdir -p tree/sub; echo deep > tree/sub/f; echo out > outside; ln -s ../outside "
        "tree/link\n"
        "echo summed > summed; sha256sum summed > sums; echo 'zz  x' > badsums");
    assert_ok(sl_import_dir(&import, in("tree"), &err));
    assert_rc(sl_import_dir(&import, in("none"), &err), SL_NOT_FOUND);
    assert_ok(sl_import_sums(&import, in("sums"), &err));
    assert_rc(sl_import_sums(&import, in("badsums"), &err), SL_MALFORMED);
    import_write(&import, "mixed");
    assert_true(holds("mixed", "deep") && holds("mixed", "summed"));
    assert_false(holds("mixed", "out"));
}

static void test_list_is_taken_only_where_a_pcr_proves_it(void **state)
{
    struct sl_import import = import_make();
    struct rig *rig = rig_make();
    struct sl_err err = {0};
    FILE *file;

    rig_measure(rig, 10, "/bin/sh");
    rig_measure(rig, 10, "/bin/late");
    file = fopen(in("list"), "wb");
    assert_int_equal(fwrite(rig->list, 1, rig->ends[3], file), rig->ends[3]);
    (void)fclose(file);
    assert_rc(sl_import_ima(&import, in("list"), "sha256", rig->nonce, 32, &err), SL_MISMATCH);
    assert_int_equal(sl_refset_count(import.builder), 0);
    assert_rc(sl_import_ima(&import, in("list"), "sha256", rig->nonce, 20, &err), SL_UNSUPPORTED);
    assert_ok(sl_import_ima(&import, in("list"), "sha256", rig->pcrs[2][10], 32, &err));
    assert_int_equal(sl_refset_count(import.builder), 1); /* neither boot_aggregate nor entry 3 */
    sl_refset_builder_free(import.builder);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_is_found_and_a_changed_byte_refused),
        cmocka_unit_test(test_set_of_uneven_digests_is_found),
        cmocka_unit_test(test_package_gives_its_files_and_scripts),
        cmocka_unit_test(test_image_gives_what_a_container_can_run),
        cmocka_unit_test(test_folder_and_sums_are_taken),
        cmocka_unit_test(test_list_is_taken_only_where_a_pcr_proves_it),
    };
    return cmocka_run_group_tests_name("monitor/refvals", tests, folder_make, folder_remove);
}
