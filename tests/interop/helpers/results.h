// The result lines of a driver: `PASS client column` and `FAIL client column: reason`.
#pragma once
#include <cstdio>
#include <regex>
#include <stdexcept>
#include <string>

// Runs one check and prints its result.
template <class Check>
void column(const std::string &client, const std::string &name, Check check) {
  try {
    check();
    std::printf("PASS %s %s\n", client.c_str(), name.c_str());
  } catch (const std::exception &error) {
    const std::string reason = std::regex_replace(error.what(), std::regex("\\s+"), " ").substr(0, 300);
    std::printf("FAIL %s %s: %s\n", client.c_str(), name.c_str(), reason.c_str());
  }
  std::fflush(stdout);
}

inline void equal(const std::string &found, const std::string &wanted) {
  if (found != wanted) throw std::runtime_error(found + ", not " + wanted);
}
