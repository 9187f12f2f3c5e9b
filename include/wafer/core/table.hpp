// SPDX-License-Identifier: MIT
// L0 core: lines of cells, printed as columns. Knows nothing of what they mean.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI {

/// Rows of text in columns as wide as their widest cell: the first to the left, the others to the right. Columns in
/// `left` go to the left too. A row without cells is a blank line.
class text_table {
public:
    /// The cells of one line, UTF-8; widths count bytes.
    using row = std::vector<std::string>;

    /// Empty. `left`: further columns that go to the left, counted from 0.
    explicit text_table(std::vector<std::size_t> left = {}) : left_(std::move(left)) { left_.push_back(0); }

    /// Adds a row; it may have fewer or more cells than others.
    void add(row cells) { rows_.push_back(std::move(cells)); }

    /// Each line starts with two spaces and ends without any.
    friend std::ostream& operator<<(std::ostream& out, const text_table& table) {
        std::vector<std::size_t> widths;
        for (const auto& cells : table.rows_) {
            widths.resize(std::max(widths.size(), cells.size()));
            for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
        }
        for (const auto& cells : table.rows_) {
            std::string line;
            for (std::size_t i = 0; i < cells.size(); ++i) {
                const std::string padding(widths[i] - cells[i].size(), ' ');
                const bool to_left = std::find(table.left_.begin(), table.left_.end(), i) != table.left_.end();
                line += "  " + (to_left ? cells[i] + padding : padding + cells[i]);
            }
            line.resize(line.find_last_not_of(' ') + 1);
            out << line << '\n';
        }
        return out;
    }

private:
    std::vector<std::size_t> left_;
    std::vector<row> rows_;
};

}  // namespace wafer::inline WAFER_ABI
