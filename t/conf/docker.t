#!/usr/bin/perl

# The files for containers fit the tree: nginx accepts the configuration that
# pimap.sed makes, and the Dockerfile names files and packages that exist.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my ($root, $dir) = ($t->root(), $t->dir());
my ($cert, $key) = $t->certificate();
my $from = "$root/integrations";

$t->plan(8);

my $conf = qx(sed -f $from/docker/pimap.sed $from/nginx/pimap.conf);

unlike($conf, qr/127\.0\.0\.1:/, 'no address of the host is left');
like($conf, qr/^pimap_redis redis:/m, 'Redis is another container');
like($conf, qr/proxy_pass +\S*unix:/, 'the bridge has a socket');
like($conf, qr/pimap_accounts;/, 'there is a page for operators');
is(scalar(() = $conf =~ /pimap_accounts/g),
    scalar(() = $conf =~ /allow 127\.0\.0\.1; deny all; pimap_accounts;/g),
    '    for the container alone');

my $n = 0;

$t->nginx()->{http} = $conf =~ s{/etc/nginx/mail\.pem}{$cert}gr
    =~ s{/etc/nginx/mail\.key\.pem}{$key}gr
    =~ s{listen +\d+}{'listen unix:' . "$dir/" . $n++}ger;
$t->nginx()->{locations} = '';

my ($ok, $output) = $t->nginx()->check();

ok($ok, 'nginx accepts it') or diag($output);

# The image of nginx has curl.

my $dockerfile = $t->read_file("$from/docker/Dockerfile");
my ($build) = $t->read_file("$root/misc/deps") =~ /\[build\]='(.*?)'/s;
my %known = map { $_ => 1 } qw(curl ca-certificates), split(/[\s|]+/, $build);
my @files = map { split(' ') } $dockerfile =~ /^COPY (?!--from)(.*) \S+$/mg;
my @packages = grep { /^[a-z]/ } map { split(/[\s\\]+/) }
    $dockerfile =~ /recommends ((?:\\\n|[^&<\n\\])*)/g;

cmp_ok(scalar(@packages), '>', 20, 'the Dockerfile installs packages');
is(join(' ', (grep { !-e "$root/$_" } @files),
    grep { !$known{$_} } @packages), '', '    they and its files are known');
