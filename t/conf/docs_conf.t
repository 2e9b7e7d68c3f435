#!/usr/bin/perl

# nginx accepts each example of a configuration in the documents, and the
# smallest "pimap_zone" that they name.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Page;

my $t = Pimap->new();
my @pages = Pimap::Page->all($t->root());
my @examples = map { my $page = $_; map { [ $page, $_ ] }
    $page->blocks('nginx') } @pages;
my ($least) = map { ($_->{section}{pimap_zone} // '') =~ /At least `(\w+)`/ }
    @pages;

$t->plan(1 + @examples);

example(@$_) for @examples;

$t->nginx()->{http} = "pimap_zone $least;";
ok(($t->nginx()->check())[0], "pimap_zone $least is accepted");


# Wraps an example in "http" or "server", as its first directive requires.
# Replaces files and ports by existing ones.

sub example {
    my ($page, $block) = @_;

    my $nginx = $t->nginx();
    my ($cert, $key) = $t->certificate();
    my $jwks = $t->write_file($t->dir() . '/jwks', $t->json({ kty => 'oct',
        k => 'x' x 43 }));
    my $secret = $t->write_file($t->dir() . '/ticket', 'x' x 32);
    my $password = $t->write_file($t->dir() . '/password', "secret\n");
    my $n = 0;

    local $_ = $block->{text};

    s{/etc/\S*key\.pem}{$key}g;
    s{/etc/\S*\.pem}{$cert}g;
    s{/var/log/nginx/}{$t->dir() . '/'}ge;
    s{/etc/\S*\.jwks}{$jwks}g;
    s{/etc/\S*\.(?:ticket|key)}{$secret}g;
    s{password_file=[^;]+}{password_file=$password};
    s{listen \d\S*?(?=[ ;])}{'listen unix:' . $t->dir() . '/' . $n++}ge;
    s{modules/ngx_pimap_module\.so}{$t->module()}e;

    my ($first) = /^\s*(?:#.*\s+)*(\w+)/;

    local $nginx->{http} = $first eq 'location' ? '' : $_;
    local $nginx->{locations} = $first eq 'location' ? $_ : '';

    my ($ok, $output) = $first =~ /^(?:load_module|worker_\w+)$/
        ? whole($_) : $nginx->check();

    ok($ok, $page->name() . ":$block->{line} is accepted") or diag($output);
}


sub whole {
    my ($text) = @_;

    my $dir = $t->dir();

    $text .= 'events {}' if $text !~ /^events/m;
    $t->write_file("$dir/whole.conf", "pid $dir/whole.pid;\n$text\n");

    my $binary = $t->nginx()->binary();
    my $output = qx($binary -t -p $dir/ -c $dir/whole.conf \\
        -e $dir/error.log 2>&1);

    return ($? == 0, $output);
}
