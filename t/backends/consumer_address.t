#!/usr/bin/perl

# The addresses of the consumer: sentinels, also after a failover, and a
# cluster over TLS.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Consumer;
use Pimap::RedisCluster;
use Pimap::Torture::Trouble;

my $t = Pimap->new();
my $trouble = Pimap::Torture::Trouble->new(t => $t, sentinel => 1);
my $tls = Pimap->new();
my $cluster = $tls->{redis} = Pimap::RedisCluster->new(t => $tls, tls => 1,
    masters => 1, replicas => 0);

$t->plan(14);

# Addresses.

my %addresses = (
    'cluster://a,b:7,[::1]:8' => "[('a', 6379), ('b', 7), ('::1', 8)] "
        . 'redis://a:6379 ',
    'clusters://u:p%2f@[::1]?ssl_ca_certs=/c' => "[('::1', 6379)] "
        . 'rediss://u:p%2f@[::1]:6379?ssl_ca_certs=/c ',
    'sentinel://a,b:7/main/3' => "[('a', 26379), ('b', 7)] "
        . 'redis://a:26379 main/3',
);

is(python('split(sys.argv[1], pimap_redis.PORTS[pimap_redis.kind_of('
    . 'sys.argv[1])])', $_), $addresses{$_}, $_) for sort(keys(%addresses));
is(python('[pimap_redis.kind_of(a) for a in sys.argv[1:]]', 'redis://a',
    'rediss://a', 'unix:///a'), 'None None None', 'one Redis');
is(python('streams(sys.argv[1], "p")', 'unix:/a'), 'p:updates',
    '    one stream');
is(scalar(split(/ /, python('streams(sys.argv[1], "p")', 'clusters://a'))),
    16, 'a cluster: sixteen streams');
is(python('connect(sys.argv[1]).connection_pool.connection_kwargs["path"]',
    'unix:/a/b'), '/ a / b', 'a path as nginx writes it');

is(python('[redis.cluster.ClusterNode.__new__(redis.cluster.ClusterNode)'
    . '.redis_connection]'), 'None', 'a node without a connection: none');

# Sentinels; the first one is not there.

my $address = $trouble->address() =~ s{//}{'//127.0.0.1:' . $t->port('none')
    . ','}er;

$trouble->start();

my $backend = Pimap::Consumer->new($t);

$backend->{address} = $address;

my $consumer = $backend->start(qw(--claim 1));

update($t, 'one');
ok($backend->wait_done(1), 'sentinels: an update is carried out');
$trouble->happens('failover');
update($t, 'two');
ok($backend->wait_done(2), '    after a failover, too');
$t->stop($consumer);

# A cluster over TLS.

my ($cert) = $tls->certificate();

$cluster->start()->load();
$backend = Pimap::Consumer->new($tls);
like($backend->{address}, qr{^clusters://}, 'TLS: the address');
$backend->{address} .= "?ssl_ca_certs=$cert";
$consumer = $backend->start();
$cluster->command(qw(FCALL pimap_update_queue 1 pimap:updates:{3} 9 alice
    phone), 'three', '{"id":"three","update":"done"}');
ok($backend->wait_done(1), '    an update is carried out');
$tls->stop($consumer);

# A certificate of another authority.

$backend->{address} = $cluster->address();
$consumer = $backend->start();
ok($tls->wait_for(sub { $tls->read_file($backend->file('consumer.out'))
    =~ /^consumer: /m }, 'words'), '    a wrong certificate: the reason');
is($tls->read_file($backend->file('consumer.out')) =~ /Traceback/ ? 1 : 0, 0,
    '    without a traceback');
$tls->stop($consumer);


sub update {
    my ($of, $id) = @_;

    $of->wait_for(sub { eval { $of->redis()->command(qw(FCALL pimap_update 2
        pimap:{alice} pimap:updates 9 phone), $id,
        qq({"id":"$id","update":"done"})) } }, "update $id");
}


sub python {
    my ($code, @args) = @_;

    local $ENV{PYTHONPATH} = $t->root() . '/integrations/consumer';
    local $ENV{PYTHONDONTWRITEBYTECODE} = 1;

    open(my $out, '-|', '/usr/bin/python3', '-c', "import sys, pimap_redis\n"
        . "from pimap_redis import *\nfrom pimap_redis import split\n"
        . "print(*$code)", @args) or die "python3: $!\n";

    my $line = <$out> // '';

    chomp($line);

    return $line;
}
