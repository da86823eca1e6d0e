/* Client driver for Eclipse Paho C (libpaho-mqtt3cs, the MQTTClient interface); see
 * drivers/README.md. */
#include <MQTTClient.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kClientsMax = 16, kAnswerMs = 60000, kWordBytes = 600 };

struct client {
    char name[32];
    MQTTClient paho;
    int version;
};

static struct client clients[kClientsMax];
static const char* ca_file;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

static void say(const char* format, ...) {
    va_list words;
    va_start(words, format);
    pthread_mutex_lock(&output);
    vprintf(format, words);
    putchar('\n');
    fflush(stdout);
    pthread_mutex_unlock(&output);
    va_end(words);
}

static int on_message(void* context, char* topic, int topic_length, MQTTClient_message* message) {
    const struct client* client = context;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_bytes = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    EVP_Digest(message->payload, (size_t)message->payloadlen, digest, &digest_bytes, EVP_sha256(),
               NULL);
    for (unsigned int i = 0; i < digest_bytes; ++i) sprintf(hex + 2 * i, "%02x", digest[i]);
    if (topic_length == 0) topic_length = (int)strlen(topic);
    say("message %s %.*s %d %d %d %s", client->name, topic_length, topic, message->qos,
        message->retained, message->payloadlen, hex);
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

static struct client* find(const char* name) {
    for (int i = 0; i < kClientsMax; ++i)
        if (strcmp(clients[i].name, name) == 0) return &clients[i];
    return NULL;
}

/* The schemes as this version of the library spells them. */
static void paho_url(const char* url, char* out, size_t out_bytes) {
    if (strncmp(url, "mqtts://", 8) == 0)
        snprintf(out, out_bytes, "ssl://%s", url + 8);
    else if (strncmp(url, "mqtt://", 7) == 0)
        snprintf(out, out_bytes, "tcp://%s", url + 7);
    else
        snprintf(out, out_bytes, "%s", url);
}

static int connect_client(struct client* client, int web) {
    MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
    MQTTClient_connectOptions v3 = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions v3_web = MQTTClient_connectOptions_initializer_ws;
    MQTTClient_connectOptions v5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_connectOptions v5_web = MQTTClient_connectOptions_initializer5_ws;
    MQTTClient_connectOptions options;
    if (client->version == MQTTVERSION_5)
        options = web ? v5_web : v5;
    else
        options = web ? v3_web : v3;
    tls.trustStore = ca_file;
    tls.enableServerCertAuth = 1;
    tls.verify = 1;
    options.ssl = &tls;
    options.MQTTVersion = client->version;
    options.keepAliveInterval = 60;
    options.connectTimeout = 10;
    if (client->version != MQTTVERSION_5) return MQTTClient_connect(client->paho, &options);
    const MQTTResponse answer = MQTTClient_connect5(client->paho, &options, NULL, NULL);
    MQTTResponse_free(answer);
    return answer.reasonCode;
}

static int on_connect(const char* name, const char* url, const char* version) {
    char address[kWordBytes];
    struct client* client = find("");
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    if (client == NULL) return MQTTCLIENT_FAILURE;
    client->version = strcmp(version, "5.0") == 0     ? MQTTVERSION_5
                      : strcmp(version, "3.1.1") == 0 ? MQTTVERSION_3_1_1
                                                      : MQTTVERSION_3_1;
    snprintf(client->name, sizeof client->name, "%s", name);
    create.MQTTVersion = client->version;
    paho_url(url, address, sizeof address);
    int problem = MQTTClient_createWithOptions(&client->paho, address, name,
                                               MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
    if (problem == 0)
        problem = MQTTClient_setCallbacks(client->paho, client, NULL, on_message, NULL);
    if (problem == 0) problem = connect_client(client, strncmp(url, "ws", 2) == 0);
    return problem;
}

static int on_subscribe(struct client* client, const char* topic, int qos) {
    if (client->version != MQTTVERSION_5) return MQTTClient_subscribe(client->paho, topic, qos);
    const MQTTResponse answer = MQTTClient_subscribe5(client->paho, topic, qos, NULL, NULL);
    MQTTResponse_free(answer);
    return (int)answer.reasonCode == qos ? 0 : answer.reasonCode;
}

static int on_unsubscribe(struct client* client, const char* topic) {
    if (client->version != MQTTVERSION_5) return MQTTClient_unsubscribe(client->paho, topic);
    const MQTTResponse answer = MQTTClient_unsubscribe5(client->paho, topic, NULL);
    MQTTResponse_free(answer);
    return answer.reasonCode;
}

static int publish_bytes(struct client* client, const char* topic, int qos, int bytes,
                         const void* payload) {
    MQTTClient_deliveryToken token = 0;
    if (client->version == MQTTVERSION_5) {
        const MQTTResponse answer =
            MQTTClient_publish5(client->paho, topic, bytes, payload, qos, 0, NULL, &token);
        MQTTResponse_free(answer);
        if (answer.reasonCode != MQTTREASONCODE_SUCCESS) return answer.reasonCode;
    } else {
        const int problem = MQTTClient_publish(client->paho, topic, bytes, payload, qos, 0, &token);
        if (problem != 0) return problem;
    }
    return MQTTClient_waitForCompletion(client->paho, token, kAnswerMs);
}

static int on_publish(struct client* client, const char* topic, int qos, const char* path) {
    FILE* file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) return MQTTCLIENT_FAILURE;
    const long bytes = ftell(file);
    rewind(file);
    char* payload = malloc((size_t)bytes + 1);
    const size_t got = fread(payload, 1, (size_t)bytes, file);
    fclose(file);
    const int problem = got == (size_t)bytes
                            ? publish_bytes(client, topic, qos, (int)bytes, payload)
                            : MQTTCLIENT_FAILURE;
    free(payload);
    return problem;
}

static int on_disconnect(struct client* client) {
    const int problem =
        client->version == MQTTVERSION_5
            ? MQTTClient_disconnect5(client->paho, 1000, MQTTREASONCODE_SUCCESS, NULL)
            : MQTTClient_disconnect(client->paho, 1000);
    MQTTClient_destroy(&client->paho);
    memset(client, 0, sizeof *client);
    return problem;
}

static int run_line(const char* line) {
    char verb[16] = "", name[32] = "", third[kWordBytes] = "", fourth[kWordBytes] = "",
         fifth[kWordBytes] = "";
    sscanf(line, "%15s %31s %599s %599s %599s", verb, name, third, fourth, fifth);
    if (strcmp(verb, "connect") == 0) return on_connect(name, third, fourth);
    struct client* client = find(name);
    if (client == NULL || name[0] == '\0') return MQTTCLIENT_FAILURE;
    if (strcmp(verb, "subscribe") == 0) return on_subscribe(client, third, atoi(fourth));
    if (strcmp(verb, "unsubscribe") == 0) return on_unsubscribe(client, third);
    if (strcmp(verb, "publish") == 0) return on_publish(client, third, atoi(fourth), fifth);
    if (strcmp(verb, "disconnect") == 0) return on_disconnect(client);
    return MQTTCLIENT_FAILURE;
}

int main(int argc, char** argv) {
    char line[4 * kWordBytes];
    MQTTClient_init_options start = MQTTClient_init_options_initializer;
    ca_file = argc > 1 ? argv[1] : NULL;
    start.do_openssl_init = 1;
    MQTTClient_global_init(&start);
    while (fgets(line, sizeof line, stdin) != NULL) {
        const int problem = run_line(line);
        if (problem == 0)
            say("done");
        else
            say("failed code %d (%s)", problem, MQTTClient_strerror(problem));
    }
    return 0;
}
