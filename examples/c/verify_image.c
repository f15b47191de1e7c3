/*
 * Verifies an image that was signed with a key, with the built-in registry client. Also the C quick start of the README.
 *
 *   verify_image KEY.pem IMAGE [TRUSTED-ROOT.json SECONDS-SINCE-1970 HTTP-HOST]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <veriseal.h>

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: verify_image KEY.pem IMAGE [TRUSTED-ROOT.json SECONDS HTTP-HOST]\n");
        return 2;
    }
    const char *key = argv[1], *image = argv[2];
    int64_t now = argc > 4 ? strtoll(argv[4], NULL, 10) : veriseal_now();
    veriseal_error *error = NULL;
    veriseal_trust_root *trust = NULL;
    veriseal_requirement *signed_by = NULL;
    veriseal_policy *policy = NULL;
    veriseal_verifier *verifier = NULL;
    veriseal_registry *settings = NULL;
    veriseal_source *registry = NULL;
    veriseal_call *call = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    veriseal_status status = VERISEAL_STATUS_UNDECIDED;
    int exit_code = 2;

    if (argc > 3 ? veriseal_trust_root_new_file(argv[3], strlen(argv[3]), &trust, &error) < 0
                 : veriseal_trust_root_new_embedded("sigstore", 8, &trust, &error) < 0) goto done;
    if (veriseal_requirement_new_key_file(key, strlen(key), &signed_by, &error) < 0) goto done;
    if (veriseal_policy_new((const veriseal_requirement *const *)&signed_by, 1, VERISEAL_COMBINE_ANY, &policy, &error) < 0) goto done;
    if (veriseal_verifier_new(trust, policy, &verifier, &error) < 0) goto done;
    if (veriseal_registry_new(&settings, &error) < 0) goto done;
    if (argc > 5 && veriseal_registry_allow_http(settings, argv[5], strlen(argv[5]), &error) < 0) goto done;
    if (veriseal_source_new_registry(settings, &registry, &error) < 0) goto done;
    if (veriseal_call_new(&call, &error) < 0 || veriseal_call_set_deadline(call, 10000, &error) < 0) goto done;

    status = veriseal_verify(verifier, registry, image, strlen(image), call, now, &accepted, &report, &error);
    if (accepted) {
        veriseal_str pinned = veriseal_accepted_pinned(accepted);
        printf("deploy %.*s\n", (int)pinned.len, pinned.data);
        exit_code = 0;
    } else if (report) {
        veriseal_str text = veriseal_report_text(report);
        fwrite(text.data, 1, text.len, stdout);
        exit_code = status == VERISEAL_STATUS_REJECTED ? 1 : 3;
    }

done:
    if (error) {
        veriseal_str message = veriseal_error_message(error);
        fprintf(stderr, "verify_image: %.*s\n", (int)message.len, message.data);
    }
    veriseal_error_free(error);
    veriseal_report_free(report);
    veriseal_accepted_free(accepted);
    veriseal_call_free(call);
    veriseal_source_free(registry);
    veriseal_registry_free(settings);
    veriseal_verifier_free(verifier);
    veriseal_policy_free(policy);
    veriseal_requirement_free(signed_by);
    veriseal_trust_root_free(trust);
    return exit_code;
}
