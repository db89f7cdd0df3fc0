// SPDX-License-Identifier: MIT
// A job for g++ and clang++, and then one of its own: strings, containers, streams, exceptions.
#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct shape {
    virtual ~shape() = default;
    virtual double area() const = 0;
};

struct circle : shape {
    explicit circle(double r) : radius(r) {}
    double area() const override { return M_PI * std::pow(radius, 2); }
    double radius;
};

struct square : shape {
    explicit square(double s) : side(s) {}
    double area() const override { return side * side; }
    double side;
};

static int depth_of(int n)
{
    if (n == 0) {
        throw std::out_of_range("the bottom");
    }
    std::string held(static_cast<size_t>(n), 'x');
    return depth_of(n - 1) + static_cast<int>(held.size());
}

int main()
{
    std::map<std::string, int> counts;
    std::unordered_map<std::string, size_t> lengths;
    unsigned seed = 1;
    for (int i = 0; i < 3000; i++) {
        std::string word;
        seed = seed * 1103515245u + 12345u;
        for (unsigned k = 0; k < 2 + (seed >> 16) % 30; k++) {
            word += static_cast<char>('a' + (seed >> (k % 20)) % 5);
        }
        counts[word]++;
        lengths[word] = word.size();
    }
    std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto &a, const auto &b) { return a.second > b.second; });
    for (size_t i = 0; i < 3; i++) {
        std::cout << std::setw(40) << sorted[i].first << ' ' << sorted[i].second << '\n';
    }
    std::cout << lengths.size() << std::endl;

    std::vector<std::unique_ptr<shape>> shapes;
    for (int i = 1; i < 50; i++) {
        shapes.push_back(i % 2 ? std::unique_ptr<shape>(new circle(i))
                               : std::unique_ptr<shape>(new square(i)));
    }
    double total = 0;
    for (const auto &each : shapes) {
        const auto *round = dynamic_cast<const circle *>(each.get());
        total += each->area() + (round != nullptr ? std::sin(round->radius) : 0);
    }
    std::cout << std::setprecision(15) << total << ' ' << std::hex << 48879 << std::dec << '\n';

    std::ostringstream text;
    text << "a1b22c333 " << 2.5 << ' ' << true;
    std::istringstream words(text.str());
    std::string first;
    double second = 0;
    words >> first >> second;
    std::cout << first.substr(first.find("b")) << ' ' << second << ' ' << words.tellg() << '\n';

    for (int i = 0; i < 20; i++) {
        try {
            depth_of(i);
        } catch (const std::exception &error) {
            if (i == 19) {
                std::cout << error.what() << '\n';
            }
        }
    }
    try {
        (void)std::stoi("none");
    } catch (const std::invalid_argument &error) {
        std::cerr << error.what() << '\n';
    }

    std::mutex lock;
    std::condition_variable ready;
    int n_done = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&] {
            std::string own(100, 'y');
            std::lock_guard<std::mutex> hold(lock);
            n_done += static_cast<int>(own.find_first_not_of('y') == std::string::npos);
            ready.notify_one();
        });
    }
    {
        std::unique_lock<std::mutex> hold(lock);
        ready.wait(hold, [&] { return n_done == 4; });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    std::ofstream("out.txt") << "line one\nline two\n";
    std::ifstream in("out.txt");
    std::string line;
    while (std::getline(in, line)) {
        std::cout << line << '|';
    }
    std::cout << n_done << '\n';
    return 8;
}
