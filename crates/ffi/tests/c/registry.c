/*
 * One image through the built-in registry client, with the settings that the test names: argv after the reference is a list of
 * NAME and its values. Prints the status, the code and the reports' list of what is weaker; says REFUSED where the settings are.
 */
#include "check.h"

static veriseal_registry *settings;
static char **next;

static const char *value(void) {
    CHECK(*next);
    return *next++;
}

/* What is set twice is verified twice: for what is kept between calls. */
static int rounds = 1;

static void set(const char *name) {
    veriseal_status status = VERISEAL_STATUS_DONE;
    veriseal_error *error = NULL;
    if (strcmp(name, "http") == 0) {
        const char *host = value();
        status = veriseal_registry_allow_http(settings, host, strlen(host), &error);
    } else if (strcmp(name, "credentials") == 0) {
        const char *host = value(), *user = value(), *password = value();
        status = veriseal_registry_set_credentials(settings, host, strlen(host), user, strlen(user), password, strlen(password), &error);
    } else if (strcmp(name, "docker-config") == 0) {
        const char *json = value();
        status = veriseal_registry_set_docker_config(settings, (const uint8_t *)json, strlen(json), &error);
    } else if (strcmp(name, "pull-secret") == 0) {
        const char *json = value();
        status = veriseal_registry_set_pull_secret(settings, (const uint8_t *)json, strlen(json), &error);
    } else if (strcmp(name, "identity-token") == 0) {
        const char *host = value(), *token = value();
        status = veriseal_registry_set_identity_token(settings, host, strlen(host), token, strlen(token), &error);
    } else if (strcmp(name, "bearer-token") == 0) {
        const char *host = value(), *token = value();
        status = veriseal_registry_set_bearer_token(settings, host, strlen(host), token, strlen(token), &error);
    } else if (strcmp(name, "realm") == 0) {
        const char *of = value(), *host = value();
        status = veriseal_registry_allow_realm(settings, of, strlen(of), host, strlen(host), &error);
    } else if (strcmp(name, "redirect") == 0) {
        const char *host = value();
        status = veriseal_registry_allow_redirect(settings, host, strlen(host), &error);
    } else if (strcmp(name, "mirror") == 0) {
        const char *of = value(), *at = value();
        status = veriseal_registry_add_mirror(settings, of, strlen(of), at, strlen(at), &error);
    } else if (strcmp(name, "roots") == 0 || strcmp(name, "only-roots") == 0) {
        size_t len = 0;
        char *pem = content(value(), &len);
        status = veriseal_registry_add_roots(settings, (const uint8_t *)pem, len, strcmp(name, "only-roots") == 0, &error);
        free(pem);
    } else if (strcmp(name, "tls") == 0 || strcmp(name, "only-tls") == 0) {
        size_t roots_len = 0, certificate_len = 0, key_len = 0;
        const char *host = value();
        char *roots = content(value(), &roots_len), *certificate = content(value(), &certificate_len), *key = content(value(), &key_len);
        status = veriseal_registry_set_host_tls(settings, host, strlen(host), (const uint8_t *)roots, roots_len, strcmp(name, "only-tls") == 0,
                                                (const uint8_t *)certificate, certificate_len, (const uint8_t *)key, key_len, &error);
        free(roots);
        free(certificate);
        free(key);
    } else if (strcmp(name, "memory-cache") == 0) {
        status = veriseal_registry_set_memory_cache(settings, strtoull(value(), NULL, 10), &error);
    } else if (strcmp(name, "cache-directory") == 0) {
        const char *path = value();
        status = veriseal_registry_set_cache_directory(settings, path, strlen(path), strtoull(value(), NULL, 10), &error);
    } else if (strcmp(name, "answers-live") == 0) {
        status = veriseal_registry_set_answers_live(settings, strtoull(value(), NULL, 10), &error);
    } else if (strcmp(name, "deadline") == 0) {
        status = veriseal_registry_set_deadline(settings, strtoull(value(), NULL, 10), &error);
    } else if (strcmp(name, "timeouts") == 0) {
        uint64_t connect = strtoull(value(), NULL, 10);
        status = veriseal_registry_set_timeouts(settings, connect, strtoull(value(), NULL, 10), &error);
    } else if (strcmp(name, "minimum-rate") == 0) {
        uint64_t bytes = strtoull(value(), NULL, 10);
        status = veriseal_registry_set_minimum_rate(settings, bytes, strtoull(value(), NULL, 10), &error);
    } else if (strcmp(name, "retry-pause") == 0) {
        status = veriseal_registry_set_retry_pause(settings, strtoull(value(), NULL, 10), &error);
    } else if (strcmp(name, "user-agent") == 0) {
        const char *text = value();
        status = veriseal_registry_set_user_agent(settings, text, strlen(text), &error);
    } else if (strcmp(name, "proxy") == 0) {
        const char *url = value();
        status = veriseal_registry_set_proxy(settings, url, strlen(url), &error);
    } else if (strcmp(name, "rounds") == 0) {
        rounds = atoi(value());
    } else {
        CHECK(!"a known setting");
    }
    if (status != VERISEAL_STATUS_DONE) {
        veriseal_str message = veriseal_error_message(error);
        printf("REFUSED %.*s\n", (int)message.len, message.data);
        veriseal_error_free(error);
        exit(0);
    }
}

/* argv: FOLDER IMAGE PINNED SECONDS REFERENCE [NAME VALUE...]... */
int main(int argc, char **argv) {
    start it = begin(argc, argv);
    CHECK(argc > 5);
    veriseal_error *error = NULL;
    veriseal_source *source = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_new(&settings, NULL));
    for (next = argv + 6; *next;) set(value());
    if (veriseal_source_new_registry(settings, &source, &error) != VERISEAL_STATUS_DONE) {
        veriseal_str message = veriseal_error_message(error);
        printf("REFUSED %.*s\n", (int)message.len, message.data);
        CHECK(!source);
    }
    for (int round = 0; source && round < rounds; round++) {
        veriseal_accepted *accepted = NULL;
        veriseal_report *report = NULL;
        veriseal_status status = veriseal_verify(it.verifier, source, argv[5], strlen(argv[5]), NULL, it.now, &accepted, &report, NULL);
        veriseal_str code = veriseal_report_code_name(report), json = veriseal_report_json(report);
        CHECK((accepted != NULL) == (status == VERISEAL_STATUS_ACCEPTED) && (accepted != NULL) == same(code, "ACCEPTED"));
        /* K-AP-05. */
        CHECK(!contains(json, "canary"));
        printf("%.*s %.*s\n", (int)code.len, code.data, (int)json.len, json.data);
        veriseal_accepted_free(accepted);
        veriseal_report_free(report);
    }
    veriseal_error_free(error);
    veriseal_registry_free(settings);
    veriseal_source_free(source);
    end(it);
    return 0;
}
