#!/usr/bin/perl

# docs/architecture.md and docs/development.md name source files that exist,
# each by its unique name, and functions that exist.  docs/security.md names a
# test that exists for each threat.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @pages = map { "docs/$_.md" } qw(architecture development);
my $t = Pimap->new();
my $root = $t->root();

$t->plan(3 * @pages + 2);

my @sources = split(/\n/, qx{find $root/bridge $root/ngx_pimap_module \\
    $root/pimap -name '*.[ch]'});
my (%files, %functions);

$files{s{^.*/}{}r}++ for @sources;
$functions{$_} = 1 for map { $t->read_file($_) =~ /^(\w+)\(/mg } @sources;

for my $page (@pages) {
    my $text = $t->read_file("$root/$page");
    my @named = $text =~ /(?<![\w\/*.])(\w+\.[ch])\b/g;
    my @called = $text =~ /\b((?:ngx_pimap|bridge|imap|dav)_\w+)\(\)/g;

    ok(@named > 2, "$page: it names files");
    is_deeply([ grep { ($files{$_} // 0) != 1 } @named ], [],
        "$page: they exist, once");
    is_deeply([ grep { !$functions{$_} } @called ], [], "$page: functions");
}

my ($threats) = $t->read_file("$root/docs/security.md")
    =~ /^## Threats\n(.*?)^## /ms;
my @rows = grep { /^\| (?!can at most)/ } split(/\n/, $threats);

ok(@rows > 30, 'docs/security.md: it lists threats');
is_deeply([ grep { my @tests = m{(\w+/\w+\.t)}g; my $row = $_;
    $row !~ /nginx's own/ && (!@tests || grep { !-f "$root/t/$_" } @tests) }
    @rows ], [], '    each has tests that exist');
