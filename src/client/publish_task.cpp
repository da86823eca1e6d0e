#include "client/publish_task.h"

#include "client/explain.h"
#include "os/file.h"
#include "topic/filter.h"

#include <fmt/format.h>
#include <unistd.h>

namespace godwit::client {

namespace {

/// Written but not yet handed to the socket: more waits for the next turn.
constexpr size_t kOutputBytesMax = 1 << 20;
constexpr size_t kPayloadBytesMax = mqtt::kRemainingLengthMax - 2;

}  // namespace

PublishTask::PublishTask(Plan plan, LineSource input, const Reporter& reporter)
    : plan_(std::move(plan)), input_(std::move(input)), reporter_(reporter) {}

void PublishTask::on_event(const Event& event, ClientProtocol&, Instant) {
    const auto* published = std::get_if<Published>(&event);
    if (!published || !mqtt::is_error(published->reason)) return;
    failed_ = true;
    reporter_.say(fmt::format("the broker refused a message to {}: {}", plan_.message.topic,
                              reason_words(published->reason)));
}

bool PublishTask::has_next() const {
    if (plan_.lines) return line_is_taken_ || (!input_.wants_more() && !input_.done());
    return plan_.count > 0;
}

/// Puts the next payload into plan_.message. @return false when there is none yet
bool PublishTask::take_next(Instant now) {
    if (!has_next() || now < next_at_) return false;
    if (!plan_.lines || line_is_taken_) return true;
    auto line = input_.next_line();
    if (!line) return false;
    plan_.message.payload = std::move(*line);
    line_is_taken_ = true;
    return true;
}

void PublishTask::on_turn(ClientProtocol& protocol, Instant now, bool may_publish) {
    if (!may_publish) return;
    const bool needs_window = plan_.message.qos != mqtt::Qos::AtMostOnce;
    while (protocol.output().size() < kOutputBytesMax && take_next(now)) {
        if (needs_window && protocol.window_is_full()) break;
        publish_one(protocol);
        if (plan_.delay > Duration::zero()) next_at_ = now + plan_.delay;
    }
    window_is_full_ = needs_window && protocol.window_is_full();
    const bool all_taken = plan_.lines ? input_.done() && !line_is_taken_ : plan_.count == 0;
    done_ = done_ || (all_taken && protocol.unacknowledged() == 0);
}

void PublishTask::publish_one(ClientProtocol& protocol) {
    const auto published = protocol.publish(plan_.message);
    line_is_taken_ = false;
    if (plan_.count > 0) --plan_.count;
    if (published) return;
    failed_ = true;
    plan_.count = 0;  // the same message will not fare better
    reporter_.say(
        fmt::format("cannot publish to {}: {}", plan_.message.topic, describe(published.error())));
}

std::optional<Instant> PublishTask::next_deadline() const {
    if (!has_next() || window_is_full_) return std::nullopt;
    return next_at_;
}

bool PublishTask::wants_input() const {
    return plan_.lines && !line_is_taken_ && input_.wants_more();
}

void PublishTask::on_input() {
    const auto read = input_.read_more();
    if (read) return;
    reporter_.say(read.error());
    failed_ = done_ = true;
}

std::optional<int> PublishTask::result() const {
    if (!done_) return std::nullopt;
    return failed_ ? kStatusFailed : kStatusGood;
}

int PublishTask::status_when_interrupted() const {
    return kStatusFailed;
}

// --- the command ---

namespace {

using Text = Result<std::string, std::string>;

Text read_file(const std::string& path) {
    auto text = os::read_whole_file(path, kPayloadBytesMax);
    if (!text) return Err{fmt::format("{}: {}", path, text.error().text())};
    return std::move(*text);
}

Text payload_of(const PublishOptions& options) {
    const int sources = int(options.message.has_value()) + int(options.file.has_value()) +
                        int(options.nothing) + int(options.lines) + int(options.whole_input);
    if (sources != 1)
        return Err{std::string(sources == 0 ? "what is to be published? Give one of"
                                            : "more than one payload; give one of") +
                   " -m MESSAGE, -f FILE, -n (nothing), -l (lines of standard input), -s (all of "
                   "it)"};
    if (options.message) return *options.message;
    if (options.file) return read_file(*options.file);
    if (options.whole_input) return read_file("/dev/stdin");
    return std::string();
}

Result<PublishTask::Plan, std::string> plan_of(const PublishOptions& options,
                                               const Preparation& prepared) {
    PublishTask::Plan plan{.count = options.repeat, .lines = options.lines};
    plan.delay =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.repeat_delay_s));
    Message& message = plan.message;
    message.topic = options.topic.empty() ? prepared.url_topic : options.topic;
    if (message.topic.empty())
        return Err{std::string("to which topic? Give one with -t, or with -L mqtt://host/topic")};
    if (const auto good = topic::check_name(message.topic); !good)
        return Err{fmt::format("topic {}: {}", message.topic, topic::error_text(good.error()))};
    message.qos = mqtt::Qos(options.qos);
    message.retain = options.retain;
    const Bytes properties = prepared.properties.publish;
    message.topic_alias =
        uint16_t(find_number(properties, mqtt::PropertyId::TopicAlias).value_or(0));
    message.expiry_s = find_number(properties, mqtt::PropertyId::MessageExpiryInterval);
    mqtt::append_forwarded_properties(message.properties, properties);
    auto payload = payload_of(options);
    if (!payload) return Err{payload.error()};
    message.payload = std::move(*payload);
    return plan;
}

}  // namespace

int run_publish(const PublishOptions& options) {
    const Reporter reporter(options.common.program, options.common.quiet, options.common.debug);
    auto prepared = prepare(options.common);
    if (!prepared) return reporter.say(prepared.error()), kStatusFailed;
    auto plan = plan_of(options, *prepared);
    if (!plan) return reporter.say(plan.error()), kStatusFailed;
    prepared->runner.reconnect = options.lines;
    PublishTask task(std::move(*plan), LineSource(STDIN_FILENO, kPayloadBytesMax), reporter);
    return Runner(std::move(prepared->runner), reporter).run(task);
}

}  // namespace godwit::client
