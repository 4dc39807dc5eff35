#!/bin/sh
# SPDX-License-Identifier: MIT
# What: g++: compile and run C++ with templates, exceptions, threads, make -j2
# Needs: g++ make
# Timeout: 180
cat >Makefile <<'E'
prog: main.o part.o
	g++ -o $@ $^ -pthread
%.o: %.cc part.h
	g++ -std=c++17 -O1 -c $<
E
echo 'int part(int);' >part.h
printf '#include "part.h"\n#include <stdexcept>\nint part(int x) { if (x < 0) throw std::invalid_argument("negative"); return x; }\n' >part.cc
cat >main.cc <<'E'
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>
#include "part.h"
int main()
{
	std::map<std::string, int> m{{"b", 2}, {"a", 1}};
	for (auto &[k, v] : m)
		std::cout << k << v << "\n";
	std::vector<int> v(1000);
	std::vector<std::thread> t;
	for (int i = 0; i < 4; i++)
		t.emplace_back([&v, i] { for (int j = i; j < 1000; j += 4) v[j] = 1000 - j; });
	for (auto &x : t)
		x.join();
	std::sort(v.begin(), v.end());
	std::cout << v.front() << " " << v.back() << std::endl;
	try {
		part(-1);
	} catch (const std::exception &e) {
		std::cout << "caught " << e.what() << std::endl;
	}
	return part(3);
}
E
make -s -j2; ./prog; echo $?
