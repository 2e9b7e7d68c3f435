#!/usr/bin/perl

# docs/architecture.md and docs/development.md name source files that exist,
# each by its unique name, and functions that exist.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @pages = map { "docs/$_.md" } qw(architecture development);
my $t = Pimap->new();
my $root = $t->root();

$t->plan(3 * @pages);

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
