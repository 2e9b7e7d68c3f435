#!/usr/bin/perl

# A program may close, cancel or leave the client in Python at any moment, and
# call it wrongly: it ends at once, and leaves no task and no connection.  This
# is so by streams of asyncio, and by httpx.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

my $source = do { local (@ARGV, $/) = 'clients/program.py'; <> };
my @cases = $source =~ /^\@case\(.*\)\nasync def (\w+)/mg;

plan(tests => 1 + 2 * (3 + @cases));

cmp_ok(scalar(@cases), '>=', 15, 'programs');

local $ENV{no_proxy} = '*';

for my $way ('streams', 'httpx') {
    my $run = "/usr/bin/python3 -X dev -B clients/program.py $way 2>&1";
    my $output = `$run`;
    my %result = map { /^(\w+): (.*)$/ ? ($1 => $2) : () }
        split(/\n/, $output);

    is($result{$_}, 'well', "$way: " . tr/_/ /r) for @cases;
    is($result{tasks}, 'well', '    no task is left');
    is($result{noise}, 'well', '    no error of the event loop');
    unlike($output, qr/Warning|Traceback/, '    no warning');
}
