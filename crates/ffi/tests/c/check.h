/* What the test programs have in common. C11 and C++17. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <veriseal.h>

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);       \
            exit(1);                                                                      \
        }                                                                                 \
    } while (0)

/* A status that the program expects. */
#define EXPECT(status, call) CHECK((call) == (status))

static int same(veriseal_str text, const char *expected) {
    return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

static int contains(veriseal_str text, const char *part) {
    size_t len = strlen(part);
    for (size_t at = 0; at + len <= text.len; at++) {
        if (memcmp(text.data + at, part, len) == 0) return 1;
    }
    return 0;
}

/* A file of the folder that the test prepared; freed by nobody. */
static const char *material(const char *folder, const char *name) {
    size_t room = strlen(folder) + strlen(name) + 2;
    char *path = (char *)malloc(room);
    snprintf(path, room, "%s/%s", folder, name);
    return path;
}

static char *content(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    CHECK(file);
    char *bytes = (char *)malloc(1 << 20);
    *len = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* What every program starts from: a verifier that trusts the scenario's key, and the scenario's layout as a source. */
typedef struct {
    veriseal_verifier *verifier;
    veriseal_source *layout;
    veriseal_source *unsigned_layout;
    int64_t now;
    const char *image;
    const char *pinned;
} start;

static veriseal_verifier *verifier_of(const char *folder, const char *key_name) {
    veriseal_error *error = NULL;
    veriseal_trust_root *trust = NULL;
    veriseal_requirement *requirement = NULL;
    veriseal_policy *policy = NULL;
    veriseal_verifier *verifier = NULL;
    const char *root = material(folder, "trusted_root.json"), *key = material(folder, key_name);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_trust_root_new_file(root, strlen(root), &trust, &error));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_requirement_new_key_file(key, strlen(key), &requirement, &error));
    const veriseal_requirement *list[] = {requirement};
    EXPECT(VERISEAL_STATUS_DONE, veriseal_policy_new(list, 1, VERISEAL_COMBINE_ANY, &policy, &error));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_new(trust, policy, &verifier, &error));
    /* The verifier keeps what it needs. */
    veriseal_policy_free(policy);
    veriseal_requirement_free(requirement);
    veriseal_trust_root_free(trust);
    free((void *)root);
    free((void *)key);
    CHECK(!error && verifier);
    return verifier;
}

/* argv: FOLDER IMAGE PINNED SECONDS */
static start begin(int argc, char **argv) {
    CHECK(argc >= 5);
    start it;
    veriseal_error *error = NULL;
    memset(&it, 0, sizeof it);
    it.image = argv[2];
    it.pinned = argv[3];
    it.now = strtoll(argv[4], NULL, 10);
    it.verifier = verifier_of(argv[1], "key.pem");
    const char *layout = material(argv[1], "signed"), *other = material(argv[1], "unsigned");
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_layout(layout, strlen(layout), &it.layout, &error));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_layout(other, strlen(other), &it.unsigned_layout, &error));
    free((void *)layout);
    free((void *)other);
    return it;
}

static void end(start it) {
    veriseal_source_free(it.layout);
    veriseal_source_free(it.unsigned_layout);
    veriseal_verifier_free(it.verifier);
}

#endif
