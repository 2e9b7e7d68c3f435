#!/usr/bin/perl

# pimap-client survives any answer, and any page: it comes back after an odd
# answer, is never in a hurry, asks for one token at a time, keeps no memory,
# and leaves no promise behind.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

my $source = do { local (@ARGV, $/) = 'clients/hostile.mjs'; <> };
my @odd = $source =~ /^    ('[^']+'|\w+): (?:\(\) =>|refuse)/mg;
my @cases = $source =~ /^    async '([^']+)'\(\)/mg;
my %result = map { /^(.*): (.*)$/ ? ($1 => $2) : () }
    split(/\n/, `node --expose-gc clients/hostile.mjs 2>&1`);

plan(tests => 5 + @odd + @cases);

cmp_ok(scalar(@odd), '>=', 12, 'odd answers');
is($result{ s/'//gr }, 'well', "    $_: it has the next event") for @odd;
cmp_ok(scalar(@cases), '>=', 14, 'odd servers, and odd pages');
is($result{$_}, 'well', "    $_") for @cases;
is($result{timers}, 'well', 'no timer is longer than timers can be');
is($result{rejections}, 'well', 'no rejection is unhandled');
is($result{end}, 'well', 'the program ends by itself');
