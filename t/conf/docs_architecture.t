#!/usr/bin/perl

# docs/architecture.md and docs/development.md name source files that exist,
# each by its unique name.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @pages = map { "docs/$_.md" } qw(architecture development);
my $t = Pimap->new();
my $root = $t->root();

$t->plan(2 * @pages);

my %files;

$files{$_}++ for map { s{^.*/}{}r } split(/\n/,
    qx{cd $root && find bridge ngx_pimap_module pimap -name '*.[ch]'});

for my $page (@pages) {
    my @named = $t->read_file("$root/$page") =~ /(?<![\w\/*.])(\w+\.[ch])\b/g;

    ok(@named > 2, "$page: it names files");
    is_deeply([ grep { ($files{$_} // 0) != 1 } @named ], [],
        "$page: they exist, once");
}
