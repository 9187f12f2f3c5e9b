// SPDX-License-Identifier: MIT
// Test support: the reference models of tests/data/logits. Weights follow from names, so there is no weight file:
//   key = FNV-1a 64 of the tensor's name, u(i) = (splitmix64(key + i) >> 40) / 2^23 - 1, w(i) = offset + scale * u(i)
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <support/gguf_writer.hpp>
#include <vector>

namespace wafer_test {

[[nodiscard]] constexpr std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

/// u(i) of a tensor whose name has this key: in [-1, 1), exact.
[[nodiscard]] constexpr float synthetic_unit(std::uint64_t key, std::uint64_t i) {
    std::uint64_t z = key + i + 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<float>(z >> 40) / 8388608.0f - 1.0f;
}

struct synthetic_tensor {
    std::string name;
    std::vector<std::uint64_t> extents;  // row-major
    float offset = 0, scale = 0;

    [[nodiscard]] std::vector<float> weights() const {
        std::size_t n = 1;
        for (const auto extent : extents) n *= static_cast<std::size_t>(extent);
        std::vector<float> out(n);
        const std::uint64_t key = fnv1a(name);
        for (std::size_t i = 0; i < n; ++i) {
            // The product is rounded to float, the sum is exact in double: no fused multiply-add can creep in.
            const float product = scale * synthetic_unit(key, i);
            out[i] = static_cast<float>(static_cast<double>(offset) + static_cast<double>(product));
        }
        return out;
    }
};

/// One model of tests/data/logits: metadata and tensors.
class synthetic_model {
public:
    struct pair {
        std::string key, type, value;
    };
    std::vector<pair> pairs;
    std::vector<synthetic_tensor> tensors;

    /// @throws std::runtime_error if the tables are not there
    [[nodiscard]] static synthetic_model read(const std::string& name,
                                              const std::filesystem::path& folder = WAFER_TEST_DATA "/logits") {
        synthetic_model model;
        for (const auto& row : table(folder / (name + ".meta.tsv")))
            model.pairs.push_back({row.at(0), row.at(1), row.at(2)});
        for (const auto& row : table(folder / (name + ".tensors.tsv"))) {
            synthetic_tensor tensor{row.at(0), {}, std::stof(row.at(2)), std::stof(row.at(3))};
            std::istringstream shape(row.at(1));
            for (std::string extent; std::getline(shape, extent, 'x');) tensor.extents.push_back(std::stoull(extent));
            model.tensors.push_back(std::move(tensor));
        }
        return model;
    }

    /// The model as a GGUF file with f32 weights, open for additions.
    [[nodiscard]] gguf_writer gguf() const {
        gguf_writer out;
        for (const auto& p : pairs) {
            if (p.type == "string") out.pair(p.key, p.value);
            else if (p.type == "uint32") out.pair(p.key, static_cast<std::uint32_t>(std::stoul(p.value)));
            else if (p.type == "float32") out.pair(p.key, std::stof(p.value));
            else if (p.type == "bool") out.pair(p.key, p.value == "true" || p.value == "True");
            else throw std::runtime_error("unknown type in a meta table: " + p.type);
        }
        for (const auto& tensor : tensors) out.tensor(tensor.name, tensor.extents, tensor.weights());
        return out;
    }

private:
    /// Rows of tab-separated fields, without the head.
    [[nodiscard]] static std::vector<std::vector<std::string>> table(const std::filesystem::path& path) {
        std::ifstream file(path);
        if (!file) throw std::runtime_error("missing test data: " + path.string());
        std::vector<std::vector<std::string>> rows;
        std::string line;
        std::getline(file, line);
        while (std::getline(file, line)) {
            std::istringstream fields(line);
            auto& row = rows.emplace_back();
            for (std::string field; std::getline(fields, field, '\t');) row.push_back(field);
        }
        return rows;
    }
};

/// What llama.cpp answers for a synthetic model.
struct reference_answer {
    std::vector<std::uint32_t> tokens;                 // the prompt
    std::map<std::size_t, std::vector<float>> logits;  // by position in the prompt
    std::vector<std::uint32_t> greedy;                 // the continuation
    float smallest_greedy_margin = 0;

    /// @throws std::runtime_error if the file is not there
    [[nodiscard]] static reference_answer read(const std::string& name,
                                               const std::filesystem::path& folder = WAFER_TEST_DATA "/logits") {
        const auto path = folder / (name + ".txt");
        std::ifstream file(path);
        if (!file) throw std::runtime_error("missing test data: " + path.string());
        reference_answer answer;
        for (std::string line; std::getline(file, line);) {
            std::istringstream in(line);
            std::string what;
            in >> what;
            if (what == "tokens") fill(in, answer.tokens);
            else if (what == "greedy") fill(in, answer.greedy);
            else if (what == "smallest_greedy_margin") in >> answer.smallest_greedy_margin;
            else if (what == "logits") {
                std::size_t position = 0;
                in >> position;
                fill(in, answer.logits[position]);
            }
        }
        return answer;
    }

private:
    template <class T>
    static void fill(std::istream& in, std::vector<T>& out) {
        for (T value; in >> value;) out.push_back(value);
    }
};

}  // namespace wafer_test
