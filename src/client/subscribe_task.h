// `godwit sub`: subscribes and prints what comes.
#pragma once

#include "base/random.h"
#include "client/common_options.h"
#include "client/message_format.h"
#include "client/runner.h"

#include <cstdio>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace godwit::client {

struct SubscribeOptions {
    CommonOptions common;
    std::vector<std::string> topics, filter_out, unsubscribe;
    uint16_t qos = 0;
    bool no_local = false, retain_as_published = false;
    std::string retain_handling;  // always, new, never
    bool verbose = false, no_end_of_line = false;
    std::optional<std::string> format;
    uint64_t count = 0;  // 0: no end
    bool no_stale = false, retained_only = false, remove_retained = false;
    bool exit_after_subscribing = false;
    bool no_reconnect = false;
    double random_percent = 100;
};

class SubscribeTask : public Task {
public:
    struct Plan {
        std::vector<std::string> filters, filter_out, unsubscribe;
        mqtt::SubscriptionOptions subscription;
        Buffer subscribe_properties, unsubscribe_properties;  // 5.0: encoded lists
        bool verbose = false, end_of_line = true;
        std::optional<MessageFormat> format;
        uint64_t count = 0;
        bool no_stale = false, retained_only = false, remove_retained = false;
        bool exit_after_subscribing = false;
        double random_percent = 100;
    };
    /// @param seed  for random_percent
    SubscribeTask(Plan plan, std::FILE* out, const Reporter& reporter, uint64_t seed);

    void on_event(const Event& event, ClientProtocol& protocol, Instant now) override;
    void on_turn(ClientProtocol& protocol, Instant now, bool may_publish) override;
    std::optional<int> result() const override;
    int status_when_interrupted() const override { return kStatusGood; }

private:
    void on_connected(ClientProtocol& protocol);
    void on_subscribed(const mqtt::Suback& packet);
    void on_unsubscribed(const mqtt::Suback& packet);
    void on_answer();
    void on_message(const mqtt::Publish& message);
    bool is_filtered_out(std::string_view topic) const;
    void print(const mqtt::Publish& message);
    void write(std::string_view text);
    void on_write_failed(int code);
    void end(int status);
    void fail(const std::string& why);

    const Plan plan_;
    std::FILE* out_;
    const Reporter& reporter_;
    Random random_;
    std::string line_;
    size_t answers_due_ = 0;
    size_t refused_count_ = 0;
    uint64_t received_count_ = 0;
    std::deque<std::string> to_remove_;  // topics whose retained message is to go
    bool removing_ = false;              // some are on their way
    std::optional<int> status_;          // once enough has come
};

/// The whole command. @return the exit status
int run_subscribe(const SubscribeOptions& options);

}  // namespace godwit::client
