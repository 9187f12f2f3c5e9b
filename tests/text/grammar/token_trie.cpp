// SPDX-License-Identifier: MIT
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <wafer/text/grammar/token_trie.hpp>

using namespace wafer;
using grammar::token_trie;

TEST_CASE("token_trie: every token with bytes is spelt by the path to its node, once") {
    std::mt19937 random(5);
    std::vector<std::string> texts(3000);
    for (auto& t : texts)
        for (auto n = random() % 6; n > 0; --n) t += static_cast<char>("abc\xFF"[random() % 4]);
    texts.push_back(std::string(token_trie::longest, 'x'));
    texts.push_back(std::string(token_trie::longest + 1, 'x'));
    const std::vector<std::string_view> pieces(texts.begin(), texts.end());
    const token_trie trie(pieces, {7});
    std::map<token_id, std::string> found;
    const auto nodes = trie.nodes();
    std::string path;
    for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
        path.resize(nodes[i].depth);
        path += static_cast<char>(nodes[i].byte);
        CHECK(nodes[i].end > i);
        // What begins with this node is deeper; the node after it is not.
        if (i + 1 < nodes[i].end) CHECK(nodes[i + 1].depth == nodes[i].depth + 1);
        if (nodes[i].end + 1 < nodes.size()) CHECK(nodes[nodes[i].end].depth <= nodes[i].depth);
        for (auto k = nodes[i].first_token; k < nodes[i + 1].first_token; ++k)
            CHECK(found.emplace(trie.ids()[k], path).second);
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto id = static_cast<token_id>(i);
        const bool usable = !texts[i].empty() && texts[i].size() <= token_trie::longest;
        CHECK(found.count(id) == (usable ? 1 : 0));
        if (usable) CHECK(found[id] == texts[i]);
        CHECK(trie.bytes(id) == (usable ? texts[i] : ""));
    }
    CHECK(trie.size() == texts.size());
    CHECK(trie.depth() == token_trie::longest);
    CHECK(trie.bytes(-1).empty());
    CHECK(trie.bytes(100'000).empty());
}

TEST_CASE("token_trie: an empty vocabulary has an empty tree") {
    const token_trie trie({}, {});
    CHECK(trie.nodes().size() == 1);
    CHECK(trie.size() == 0);
}
