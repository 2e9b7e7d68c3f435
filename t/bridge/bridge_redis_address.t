#!/usr/bin/perl

# The bridge and a Redis with TLS that is named by its address: the certificate
# must be for this address.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;

my $t = Pimap->new();
my $redis = $t->redis(tls => 1, options => ['bind 127.0.0.1 127.0.0.2']);

$t->plan(3);
$redis->start();

my ($cert) = $t->certificate();

my $bridge = bridge('127.0.0.1');

ok($bridge->wait_healthy()->healthy(), 'the address of the certificate');
$bridge->stop();

$bridge = bridge('127.0.0.2');
ok($t->wait_for(sub {
    $bridge->log() =~ /"127\.0\.0\.2" port \d+: .*(?:verify|mismatch)/
}, 'a line'), 'another address: the log says why');
ok(!$bridge->healthy(), '    and it is not used');
$bridge->stop();


sub bridge {
    my ($host) = @_;

    return Pimap::Bridge->new(t => $t, name => "b$host", redis => 'host = "'
        . $host . '"; port = ' . $t->port('redis-tls')
        . "; tls = true; ca_file = \"$cert\"; timeout = \"2s\";",
        servers => '{ host = "127.0.0.1"; tls = "off"; }')->start();
}
