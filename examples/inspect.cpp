// SPDX-License-Identifier: MIT
// inspect: what a model file holds, what it will need here, where it would lie on a wafer, and what it computes.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <wafer/llm.hpp>

namespace {

constexpr std::string_view usage =
    "usage: inspect MODEL [--ctx N] [--cache-type f32|f16|bf16|q8_0] [--threads N]\n"
    "               [--read] [--tensors] [--device wse3x2]...\n"
    "       inspect MODEL --logits ID,ID,... [--at POSITION,...] [--threads N] [--batch N]\n"
    "--read: read the file instead of mapping it, from network mounts and where others may write to it\n";

struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct options {
    std::string model;
    wafer::sequence_shape shape;
    std::size_t n_threads = 0, n_batch = 0;
    wafer::file_access access = wafer::file_access::map;
    bool tensors = false, help = false;
    std::vector<wafer::cost::any_device> devices;
    std::vector<std::int32_t> logits;
    std::vector<std::size_t> at;
};

/// All of `text` as a number in [0, most].
template <class T>
T number(std::string_view text, T most = std::numeric_limits<T>::max()) {
    T value{};
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad == std::errc{} && end == text.data() + text.size() && value >= 0 && value <= most) return value;
    const bool is_bounded = most != std::numeric_limits<T>::max() || bad == std::errc::result_out_of_range;
    throw usage_error("'" + std::string(text) + "' must be a whole number" +
                      (is_bounded ? " from 0 to " + std::to_string(most) : ", 0 or more"));
}

template <class T>
std::vector<T> numbers(std::string_view text) {
    std::vector<T> all;
    for (std::size_t begin = 0, end = 0; end != text.npos; begin = end + 1) {
        end = text.find(',', begin);
        all.push_back(number<T>(text.substr(begin, end - begin)));
    }
    return all;
}

wafer::dtype cache_type_named(std::string_view text) {
    for (const auto type : {wafer::dtype::f32, wafer::dtype::f16, wafer::dtype::bf16, wafer::dtype::q8_0})
        if (to_string(type) == text) return type;
    throw usage_error("'" + std::string(text) + "' is none of f32, f16, bf16, q8_0");
}

/// Sets one option; false if there is none of this name.
bool set(options& o, std::string_view name, const std::function<std::string_view()>& value) {
    if (name == "--ctx") o.shape.n_context = number<std::size_t>(value());
    else if (name == "--cache-type") o.shape.cache_type = cache_type_named(value());
    else if (name == "--threads") o.n_threads = number<std::size_t>(value(), wafer::max_threads);
    else if (name == "--batch") o.n_batch = number<std::size_t>(value());
    else if (name == "--tensors") o.tensors = true;
    else if (name == "--read") o.access = wafer::file_access::read;
    else if (name == "--device") o.devices.push_back(wafer::cost::make_device(value()));
    else if (name == "--logits") o.logits = numbers<std::int32_t>(value());
    else if (name == "--at") o.at = numbers<std::size_t>(value());
    else if (name == "--help" || name == "-h") o.help = true;
    else return false;
    return true;
}

options parse(std::span<char* const> words) {
    options o;
    for (auto next = words.begin(); next != words.end(); ++next) {
        const std::string_view word = *next;
        if (!word.starts_with('-')) {
            if (!o.model.empty()) throw usage_error("one model at a time: '" + std::string(word) + "' is a second");
            o.model = word;
            continue;
        }
        const auto value = [&]() -> std::string_view {
            if (++next == words.end()) throw usage_error("a value is needed behind it");
            return *next;
        };
        try {
            if (set(o, word, value)) continue;
        } catch (const std::exception& e) {
            throw usage_error(std::string(word) + ": " + e.what());
        }
        throw usage_error("unknown option " + std::string(word) + ": --help lists them");
    }
    if (o.help) return o;
    if (o.model.empty()) throw usage_error("which model? --help tells more");
    if (o.logits.empty() && (!o.at.empty() || o.n_batch != 0)) throw usage_error("--at and --batch go with --logits");
    const wafer::sequence_shape usual;
    if (!o.logits.empty() && (o.tensors || !o.devices.empty() || o.shape.n_context != usual.n_context ||
                              o.shape.cache_type != usual.cache_type))
        throw usage_error("--logits goes without --ctx, --cache-type, --tensors and --device");
    for (const auto position : o.at)
        if (position >= o.logits.size())
            throw usage_error("--at " + std::to_string(position) + " lies behind the tokens of --logits");
    return o;
}

/// One line for a value, however long it is.
template <class T>
std::string abridged(const T& value) {
    constexpr std::size_t longest = 50;
    auto text = wafer::json(value).dump();
    if (text.size() <= longest) return text;
    std::size_t cut = longest - 4;
    while ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;  // between characters
    return text.substr(0, cut) + "...\"";
}
template <class T>
std::string abridged(const std::vector<T>& values) {
    constexpr std::size_t shown = 5;
    wafer::json::array first;
    for (std::size_t i = 0; i < std::min(values.size(), shown); ++i) first.emplace_back(static_cast<T>(values[i]));
    auto text = wafer::json(std::move(first)).dump({-1, ", ", ": "});
    if (values.size() > shown) text.replace(text.size() - 1, 1, ", ...] of " + std::to_string(values.size()));
    return text;
}

void print_metadata(const wafer::checkpoint& file) {
    wafer::text_table table({1});
    for (const auto& entry : file.metadata().entries())
        table.add({std::string(entry.key), std::visit([](const auto& value) { return abridged(value); }, entry.value)});
    std::cout << "metadata\n" << table << '\n';
}

void print_tensors(const wafer::checkpoint& file, bool each) {
    struct sum {
        std::size_t tensors = 0, weights = 0;
        wafer::bytes size{};
    };
    std::map<wafer::dtype, sum> types;
    wafer::text_table list({2});
    list.add({"tensor", "type", "shape", "size", "offset"});
    for (const auto& t : file.tensors()) {
        auto& s = types[t.type];
        ++s.tensors;
        s.weights += t.dims.elements();
        s.size += wafer::bytes(t.data.size());
        list.add({t.name, std::string(to_string(t.type)), to_string(t.dims), human(wafer::bytes(t.data.size())),
                  std::to_string(t.offset)});
    }
    wafer::text_table table;
    table.add({"type", "tensors", "weights", "size"});
    for (const auto& [type, s] : types)
        table.add({std::string(to_string(type)), std::to_string(s.tensors), std::to_string(s.weights), human(s.size)});
    std::cout << "tensors\n" << table << '\n';
    if (each) std::cout << list << '\n';
}

void print_plan(const wafer::model_plan& plan) {
    wafer::text_table table({2});
    table.add({"weights", human(plan.weights), "resident; " + human(plan.stored) + " in the file"});
    table.add(
        {"cache", human(plan.cache),
         std::to_string(plan.shape.n_context) + " positions in " + std::string(to_string(plan.shape.cache_type))});
    table.add({"scratch", human(plan.scratch), "for passes of " + std::to_string(plan.shape.n_batch) + " tokens"});
    table.add({"total", human(plan.total()),
               "on " + std::to_string(plan.n_threads) + (plan.n_threads == 1 ? " thread" : " threads")});
    const wafer::bytes available(wafer::system::available_memory());
    table.add(
        {"available", human(available), plan.total() <= available ? "" : "not enough: chat would refuse this model"});
    std::cout << "plan\n" << table << '\n';
}

/// How the weights lie on a wafer's tiles, or whether a GPU's memory holds them.
void print_placement(const wafer::model_plan& plan, const wafer::cost::any_device& device) {
    std::cout << "on " << device.name() << std::endl;
    for (const auto* spec : wafer::devices::wafers) {
        if (!device.name().starts_with(spec->name)) continue;
        const auto one = wafer::cost::wafer(*spec).mesh();
        const auto count = static_cast<std::uint32_t>(device.capacity() / one.capacity());
        std::cout << plan.place(wafer::placements::by_layer{}, one.with_wafers(count)) << '\n';
        return;
    }
    const auto need = plan.stored + plan.cache;
    std::cout << "  " << human(need) << " of weights and cache " << (need <= device.capacity() ? "fit " : "do not fit ")
              << human(device.capacity()) << "\n\n";
}

/// What will not be as somebody may expect.
void tell(std::span<const std::string> warnings) {
    for (const auto& line : warnings) std::cerr << "inspect: warning: " << wafer::printable(line, 4096) << '\n';
}

void print_logits(const wafer::checkpoint& file, const options& o) {
    auto pool = std::make_shared<wafer::thread_pool>(o.n_threads);
    auto net = std::make_shared<wafer::network>(file, pool->size());
    tell(net->warnings());
    net->load(file, *pool);
    wafer::sequence_shape shape;
    shape.n_context = o.logits.size();
    shape.n_batch = o.n_batch != 0 ? o.n_batch : o.logits.size();
    shape.n_output = o.at.empty() ? 1 : shape.n_batch;
    shape.cache_type = wafer::dtype::f32;
    wafer::sequence<> sequence(net, pool, shape);

    std::cout << std::setprecision(9);
    const auto print = [](std::size_t position, std::span<const float> logits) {
        std::cout << "logits " << position;
        for (const float v : logits) std::cout << ' ' << v;
        std::cout << '\n';
    };
    if (o.at.empty()) {
        sequence.eval(o.logits);
        return print(o.logits.size() - 1, sequence.logits());
    }
    sequence.eval_each(o.logits, [&](std::size_t position, std::span<const float> logits) {
        if (std::find(o.at.begin(), o.at.end(), position) != o.at.end()) print(position, logits);
    });
}

void run(const options& o) {
    if (o.help) {
        std::cout << usage;
        return;
    }
    const auto file = wafer::open_checkpoint(o.model, o.access);
    if (!o.logits.empty()) return print_logits(file, o);
    const auto plan = wafer::plan(file, o.shape, o.n_threads,
                                  wafer::sram::unlimited);  // of any model, also of one too large for here
    tell(plan.warnings);
    print_metadata(file);
    print_tensors(file, o.tensors);
    print_plan(plan);
    std::cout << "here\n" << plan.place(wafer::placements::spread{}, wafer::sram::mesh::host(plan.n_threads)) << '\n';
    for (const auto& device : o.devices) print_placement(plan, device);
}

}  // namespace

int main(int argc, char** argv) {
    const auto fail = [](const char* what, int status) {
        std::cerr << "inspect: " << what << '\n';
        return status;
    };
    try {
        run(parse(std::span(argv + 1, argv + argc)));
        return std::cout.flush() ? 0 : fail("the output could not be written", 1);
    } catch (const usage_error& e) {
        return fail(e.what(), 2);
    } catch (const wafer::error& e) {
        return fail(e.what(), 1);
    } catch (const std::bad_alloc&) {
        return fail("out of memory", 1);
    } catch (const std::exception& e) {  // the system's own refusals
        return fail(e.what(), 1);
    }
}
