// `godwit pub`: one message, or one for each line of standard input.
#pragma once

#include "client/common_options.h"
#include "client/line_source.h"
#include "client/runner.h"

#include <optional>
#include <string>

namespace godwit::client {

struct PublishOptions {
    CommonOptions common;
    std::string topic;
    std::optional<std::string> message, file;
    bool nothing = false;  // an empty payload
    bool lines = false;    // of standard input, a message each
    bool whole_input = false;
    uint16_t qos = 0;
    bool retain = false;
    uint32_t repeat = 1;
    double repeat_delay_s = 0;
};

/// Publishes `count` times what it was given, or lines for as long as there are any, never more at
/// once than the window and the socket take.
class PublishTask : public Task {
public:
    struct Plan {
        Message message;  // its payload too, but for lines
        uint32_t count = 1;
        Duration delay{};  // between two
        bool lines = false;
    };
    PublishTask(Plan plan, LineSource input, const Reporter& reporter);

    void on_event(const Event& event, ClientProtocol& protocol, Instant now) override;
    void on_turn(ClientProtocol& protocol, Instant now, bool may_publish) override;
    std::optional<Instant> next_deadline() const override;
    bool wants_input() const override;
    void on_input() override;
    std::optional<int> result() const override;
    int status_when_interrupted() const override;

private:
    bool has_next() const;
    bool take_next(Instant now);
    void publish_one(ClientProtocol& protocol);

    Plan plan_;
    LineSource input_;
    const Reporter& reporter_;
    bool line_is_taken_ = false;  // plan_.message holds a line that is not published yet
    bool window_is_full_ = false;
    Instant next_at_{};
    bool failed_ = false;
    bool done_ = false;
};

/// The whole command. @return the exit status
int run_publish(const PublishOptions& options);

}  // namespace godwit::client
