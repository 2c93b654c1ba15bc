package main

// fixed are results for the tests of what is made of them.
func fixed() []result {
	return []result{
		{
			comparison: comparison{
				name: "Items", unit: perItem,
				contestants: []contestant{
					{name: "ours", ours: true},
					{name: "by hand"},
					{name: "other by hand"},
					{name: "peer"},
				},
				goals: []goal{
					{"ours", []string{"by hand", "other by hand"}, 1.05},
					{"ours", []string{"peer"}, 0.15},
				},
			},
			samples: [][]sample{
				{{10, 0}, {12, 0}, {11, 0}},
				{{20, 1}, {24, 1}, {22, 1}},
				{{8, 0.5}, {10, 0.5}, {9, 0.5}},
				{{100, 2}, {120, 3}, {110, 2}},
			},
		},
		{
			comparison: comparison{
				name: "Memory", unit: bytesPerTask,
				contestants: []contestant{{name: "bare"}, {name: "ours", ours: true}},
				goals:       []goal{{"ours", []string{"bare"}, 1.03}},
			},
			samples: [][]sample{{{value: 2000}}, {{value: 2060}}},
		},
	}
}
