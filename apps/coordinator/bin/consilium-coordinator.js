#!/usr/bin/env node
import '../dist/heap.js';
await import('../dist/main.js');
