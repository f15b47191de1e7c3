/* What builds against an installed veriseal: with the version of its header, and refusing what is no image. */
#include <stdio.h>
#include <string.h>
#include <veriseal.h>

int main(void) {
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", VERISEAL_VERSION_MAJOR, VERISEAL_VERSION_MINOR, VERISEAL_VERSION_PATCH);
    veriseal_str linked = veriseal_version();
    if (linked.len != strlen(version) || memcmp(linked.data, version, linked.len) != 0) return 1;

    veriseal_trust_root *trust = NULL;
    if (veriseal_trust_root_new_embedded("sigstore", 8, &trust, NULL) != VERISEAL_STATUS_DONE || !trust) return 2;
    veriseal_trust_root_free(trust);

    veriseal_accepted *accepted = NULL;
    if (veriseal_verify(NULL, NULL, "a", 1, NULL, 0, &accepted, NULL, NULL) != VERISEAL_STATUS_MISUSE || accepted) return 3;
    printf("veriseal %s\n", version);
    return 0;
}
