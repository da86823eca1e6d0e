// The hot path: framing and decoding a PUBLISH, writing the head of one. What one message costs
// beside the kernel's 3 us; see docs/adr for the budget.
#include "mqtt/decoder.h"
#include "mqtt/encoder.h"

#include <benchmark/benchmark.h>

namespace godwit::mqtt {
namespace {

constexpr std::string_view kTopic = "plant/7/line/3/temperature";
const Buffer kPayload(64, 'x');

PublishHead head_of(Qos qos) {
    return {.qos = qos,
            .topic = kTopic,
            .packet_id = PacketId{uint16_t(qos == Qos::AtMostOnce ? 0 : 7)}};
}

void decode(benchmark::State& state, Version version, Qos qos) {
    Buffer bytes;
    encode_publish(bytes, version, head_of(qos), kPayload);
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes.data());
        const auto status = next_frame(bytes, kPacketBytesMax);
        auto packet = decode_publish(status->frame, version, {});
        benchmark::DoNotOptimize(packet);
    }
}
BENCHMARK_CAPTURE(decode, v311_qos0, Version::V311, Qos::AtMostOnce);
BENCHMARK_CAPTURE(decode, v311_qos1, Version::V311, Qos::AtLeastOnce);
BENCHMARK_CAPTURE(decode, v5_qos0, Version::V5, Qos::AtMostOnce);
BENCHMARK_CAPTURE(decode, v5_qos1, Version::V5, Qos::AtLeastOnce);

void decode_with_properties(benchmark::State& state) {
    Buffer properties;
    put_property(properties, {.id = PropertyId::ContentType, .text = "application/json"});
    put_property(properties, {.id = PropertyId::UserProperty, .text = "site", .value = "north"});
    PublishHead head = head_of(Qos::AtLeastOnce);
    head.forwarded_properties = properties;
    head.expiry_s = 60;
    Buffer bytes;
    encode_publish(bytes, Version::V5, head, kPayload);
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes.data());
        const auto status = next_frame(bytes, kPacketBytesMax);
        auto packet = decode_publish(status->frame, Version::V5, {});
        benchmark::DoNotOptimize(packet);
    }
}
BENCHMARK(decode_with_properties);

void encode(benchmark::State& state, Version version, Qos qos) {
    const PublishHead head = head_of(qos);
    Buffer out;
    out.reserve(1024);
    for (auto _ : state) {
        out.clear();
        encode_publish_head(out, version, head, kPayload.size());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}
BENCHMARK_CAPTURE(encode, v311_qos0, Version::V311, Qos::AtMostOnce);
BENCHMARK_CAPTURE(encode, v311_qos1, Version::V311, Qos::AtLeastOnce);
BENCHMARK_CAPTURE(encode, v5_qos0, Version::V5, Qos::AtMostOnce);
BENCHMARK_CAPTURE(encode, v5_qos1, Version::V5, Qos::AtLeastOnce);

void decode_puback(benchmark::State& state) {
    Buffer bytes;
    encode_puback(bytes, Version::V5, {.packet_id = PacketId{7}});
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes.data());
        const auto status = next_frame(bytes, kPacketBytesMax);
        auto packet = decode_ack(status->frame, Version::V5, {});
        benchmark::DoNotOptimize(packet);
    }
}
BENCHMARK(decode_puback);

void encode_puback_5(benchmark::State& state) {
    Buffer out;
    out.reserve(64);
    for (auto _ : state) {
        out.clear();
        encode_puback(out, Version::V5, {.packet_id = PacketId{7}});
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(encode_puback_5);

}  // namespace
}  // namespace godwit::mqtt
