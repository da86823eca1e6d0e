#include "client/subscribe_task.h"

#include "client/explain.h"
#include "os/entropy.h"
#include "topic/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace godwit::client {

SubscribeTask::SubscribeTask(Plan plan, std::FILE* out, const Reporter& reporter, uint64_t seed)
    : plan_(std::move(plan)), out_(out), reporter_(reporter), random_(seed) {}

void SubscribeTask::end(int status) {
    if (!status_) status_ = status;
}

void SubscribeTask::fail(const std::string& why) {
    reporter_.say(why);
    end(kStatusFailed);
}

void SubscribeTask::on_event(const Event& event, ClientProtocol& protocol, Instant) {
    if (std::holds_alternative<Connected>(event)) return on_connected(protocol);
    if (const auto* subscribed = std::get_if<Subscribed>(&event))
        return on_subscribed(subscribed->packet);
    if (const auto* unsubscribed = std::get_if<Unsubscribed>(&event))
        return on_unsubscribed(unsubscribed->packet);
    if (const auto* received = std::get_if<Received>(&event)) return on_message(received->packet);
}

// --- asking ---

void SubscribeTask::on_connected(ClientProtocol& protocol) {
    answers_due_ = 0;
    refused_count_ = 0;
    if (!plan_.filters.empty()) {
        std::vector<mqtt::SubscribeEntry> entries;
        for (const std::string& filter : plan_.filters)
            entries.push_back({filter, plan_.subscription});
        const Bytes properties = plan_.subscribe_properties;
        const auto id = find_number(properties, mqtt::PropertyId::SubscriptionIdentifier);
        const auto asked = protocol.subscribe({.subscription_id = id.value_or(0),
                                               .user_properties = mqtt::UserProperties(properties),
                                               .entries = entries});
        if (!asked) return fail(fmt::format("cannot subscribe: {}", describe(asked.error())));
        ++answers_due_;
    }
    if (!plan_.unsubscribe.empty()) {
        const std::vector<std::string_view> filters(plan_.unsubscribe.begin(),
                                                    plan_.unsubscribe.end());
        const auto asked = protocol.unsubscribe(
            {.user_properties = mqtt::UserProperties(plan_.unsubscribe_properties),
             .filters = filters});
        if (!asked) return fail(fmt::format("cannot unsubscribe: {}", describe(asked.error())));
        ++answers_due_;
    }
}

void SubscribeTask::on_subscribed(const mqtt::Suback& packet) {
    size_t refused = 0;
    for (size_t i = 0; i < packet.reasons.size(); ++i) {
        const auto reason = mqtt::ReasonCode(packet.reasons[i]);
        if (!mqtt::is_error(reason)) continue;
        ++refused;
        reporter_.say(fmt::format("the broker refused the subscription to {}: {}", plan_.filters[i],
                                  reason_words(reason)));
    }
    if (refused == plan_.filters.size()) return end(kStatusFailed);
    refused_count_ += refused;
    on_answer();
}

void SubscribeTask::on_unsubscribed(const mqtt::Suback& packet) {
    for (size_t i = 0; i < packet.reasons.size(); ++i) {
        const auto reason = mqtt::ReasonCode(packet.reasons[i]);
        if (reason == mqtt::ReasonCode::Success) continue;
        reporter_.say(
            fmt::format("unsubscribing from {}: {}", plan_.unsubscribe[i], reason_words(reason)));
        if (mqtt::is_error(reason)) ++refused_count_;
    }
    on_answer();
}

void SubscribeTask::on_answer() {
    if (--answers_due_ == 0 && plan_.exit_after_subscribing)
        end(refused_count_ == 0 ? kStatusGood : kStatusFailed);
}

// --- messages ---

bool SubscribeTask::is_filtered_out(std::string_view name) const {
    return std::any_of(plan_.filter_out.begin(), plan_.filter_out.end(),
                       [name](const std::string& f) { return topic::matches(f, name); });
}

void SubscribeTask::on_message(const mqtt::Publish& message) {
    if (status_) return;
    if (plan_.retained_only && !message.retain) return end(kStatusGood);
    if (plan_.no_stale && message.retain) return;
    if (is_filtered_out(message.topic)) return;
    if (plan_.remove_retained && message.retain) to_remove_.emplace_back(message.topic);
    constexpr uint64_t kSteps = 1'000'000;
    if (double(random_.below(kSteps)) < plan_.random_percent / 100 * double(kSteps)) print(message);
    if (++received_count_ == plan_.count) end(kStatusGood);
}

void SubscribeTask::print(const mqtt::Publish& message) {
    line_.clear();
    if (plan_.format) {
        const auto now = std::chrono::time_point_cast<std::chrono::nanoseconds>(
            std::chrono::system_clock::now());
        if (const auto printed = plan_.format->print(line_, message, now); !printed)
            return reporter_.say(printed.error());
    } else if (plan_.verbose) {
        line_ += message.topic;
        line_ += ' ';
        line_ += message.payload.empty() ? "(null)" : as_text(message.payload);
    } else if (message.payload.empty()) {
        return;  // as mosquitto_sub has it: nothing to show, not even an empty line
    } else {
        line_ = as_text(message.payload);
    }
    if (plan_.end_of_line) line_ += '\n';
    write(line_);
}

void SubscribeTask::write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), out_) != text.size()) on_write_failed(errno);
}

void SubscribeTask::on_write_failed(int code) {
    if (code == EPIPE) return end(kStatusFailed);  // whoever read has enough
    fail("cannot write the output: " + std::generic_category().message(code));
}

void SubscribeTask::on_turn(ClientProtocol& protocol, Instant, bool may_publish) {
    // Before the acknowledgements of these messages are sent.
    if (!status_ && std::fflush(out_) != 0) on_write_failed(errno);
    if (!may_publish) return;
    while (!to_remove_.empty() && !protocol.window_is_full()) {
        const auto removed = protocol.publish(
            {.topic = to_remove_.front(), .qos = mqtt::Qos::AtLeastOnce, .retain = true});
        if (!removed)
            return fail(fmt::format("cannot remove the retained message of {}: {}",
                                    to_remove_.front(), describe(removed.error())));
        to_remove_.pop_front();
    }
    removing_ = protocol.unacknowledged() > 0;
}

std::optional<int> SubscribeTask::result() const {
    const bool good = status_ == kStatusGood;
    if (good && (removing_ || !to_remove_.empty())) return std::nullopt;
    return status_;
}

// --- the command ---

namespace {

using Step = Result<Done, std::string>;

Step check_filters(const SubscribeOptions& options, std::vector<std::string>& filters) {
    const std::pair<std::string_view, const std::vector<std::string>&> all[] = {
        {"-t", filters}, {"-T", options.filter_out}, {"-U", options.unsubscribe}};
    for (const auto& [option, list] : all)
        for (const std::string& filter : list)
            if (const auto good = topic::parse_filter(filter); !good)
                return Err{
                    fmt::format("{} {}: {}", option, filter, topic::error_text(good.error()))};
    if (filters.empty() && options.unsubscribe.empty())
        return Err{
            std::string("to which topics? Give one or more with -t, such as -t '#', or with "
                        "-L mqtt://host/topic")};
    return Done{};
}

Result<mqtt::SubscriptionOptions, std::string> subscription_of(const SubscribeOptions& options,
                                                               mqtt::Version version) {
    mqtt::SubscriptionOptions out{.qos = mqtt::Qos(options.qos),
                                  .no_local = options.no_local,
                                  .retain_as_published = options.retain_as_published};
    const std::string& word = options.retain_handling;
    if (word == "new")
        out.retain_handling = mqtt::RetainHandling::SendIfNew;
    else if (word == "never")
        out.retain_handling = mqtt::RetainHandling::SendNever;
    else if (!word.empty() && word != "always")
        return Err{std::string("--retain-handling: always, new or never")};
    const bool plain = out == mqtt::SubscriptionOptions{.qos = out.qos};
    if (!plain && version != mqtt::Version::V5)
        return Err{std::string(
            "--no-local, --retain-as-published and --retain-handling need MQTT 5: -V 5")};
    return out;
}

Result<SubscribeTask::Plan, std::string> plan_of(const SubscribeOptions& options,
                                                 const Preparation& prepared) {
    SubscribeTask::Plan plan{.filters = options.topics,
                             .filter_out = options.filter_out,
                             .unsubscribe = options.unsubscribe,
                             .subscribe_properties = prepared.properties.subscribe,
                             .unsubscribe_properties = prepared.properties.unsubscribe,
                             .verbose = options.verbose,
                             .end_of_line = !options.no_end_of_line,
                             .count = options.count,
                             .no_stale = options.no_stale,
                             .retained_only = options.retained_only,
                             .remove_retained = options.remove_retained,
                             .exit_after_subscribing = options.exit_after_subscribing,
                             .random_percent = options.random_percent};
    if (!prepared.url_topic.empty()) plan.filters.push_back(prepared.url_topic);
    if (const Step good = check_filters(options, plan.filters); !good) return Err{good.error()};
    const auto subscription = subscription_of(options, prepared.runner.login.version);
    if (!subscription) return Err{subscription.error()};
    plan.subscription = *subscription;
    if (options.format) {
        auto format = MessageFormat::parse(*options.format);
        if (!format) return Err{"-F: " + format.error()};
        plan.format = std::move(*format);
    }
    return plan;
}

}  // namespace

int run_subscribe(const SubscribeOptions& options) {
    const Reporter reporter(options.common.program, options.common.quiet, options.common.debug);
    auto prepared = prepare(options.common);
    if (!prepared) return reporter.say(prepared.error()), kStatusFailed;
    auto plan = plan_of(options, *prepared);
    if (!plan) return reporter.say(plan.error()), kStatusFailed;
    prepared->runner.reconnect = !options.no_reconnect;
    SubscribeTask task(std::move(*plan), stdout, reporter, os::random_hash_key().k0);
    return Runner(std::move(prepared->runner), reporter).run(task);
}

}  // namespace godwit::client
