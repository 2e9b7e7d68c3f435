#!/usr/bin/perl

# A program may close, cancel or leave the client in Python at any moment, and
# call it wrongly: it ends at once, and leaves no task and no connection.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

my $source = do { local (@ARGV, $/) = 'clients/program.py'; <> };
my @cases = $source =~ /^\@case\(.*\)\nasync def (\w+)/mg;
my $output = `/usr/bin/python3 -X dev -B clients/program.py 2>&1`;
my %result = map { /^(\w+): (.*)$/ ? ($1 => $2) : () } split(/\n/, $output);

plan(tests => 4 + @cases);

cmp_ok(scalar(@cases), '>=', 11, 'programs');
is($result{$_}, 'well', '    ' . tr/_/ /r) for @cases;
is($result{tasks}, 'well', 'no task is left');
is($result{noise}, 'well', 'no error of the event loop');
unlike($output, qr/Warning|Traceback/, 'no warning');
