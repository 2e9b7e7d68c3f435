#!/usr/bin/perl

# pimap-check finds faults of Redis: the connection, the functions, the rights,
# and the settings.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;

my $t = Pimap->new(mode => '', allow => qr/pimap/);

$t->plan(24);
Pimap::Check->set_up($t);

my $redis = $t->redis(port => 1, options => ['appendonly yes',
    'enable-protected-configs yes']);
my $check = Pimap::Check->new(t => $t);

# No Redis

address("redis://127.0.0.1:@{[ $t->port('redis') ]}");
$t->nginx()->start();
$check->run();
$check->is('redis.connect:refused', 'fail', qr/refused/i, qr/start Redis/,
    'Redis is not there');
$check->is('status.ready:not-ready', 'fail', qr/worker 0/, qr/next step/,
    '    nginx is not ready');

# Good

$redis->start();
$t->nginx()->stop();
$t->nginx()->start();
Pimap::Check->ready($t);
$check->run();
is(join(' ', map { $check->result("redis.$_") } qw(connect server functions
    acl persistence eviction timeout)), join(' ', ('pass') x 7),
    'all is well');
is($redis->command('KEYS', '*pimap-check*')->[0], undef,
    '    it leaves no key behind');

# The functions.  A worker that may load them would put it right in between.

address("redis://127.0.0.1:@{[ $t->port('redis') ]} functions=use");
$t->nginx()->reload();

my $library = $t->read_file($t->root() . '/redis/pimap.lua');

without('FUNCTION', 'LOAD', 'REPLACE',
    $library =~ s/^(local VERSION = )\d+/${1}1/mr);
$check->is('redis.functions:older', 'fail', qr/version 1 is loaded/,
    qr/pimap-load-functions/, 'an older library');
without('FUNCTION', 'DELETE', 'pimap');
$check->is('redis.functions:missing', 'fail', qr/not loaded/,
    qr/pimap-load-functions/, 'no library');
$redis->load();

# The user

$redis->command('ACL', 'SETUSER', 'pimap', 'on', '>word', '~pimap:*',
    '&pimap:*', '+@all', '-publish');
$t->write_file($t->dir() . '/redis.password', "word\n");
address("redis://127.0.0.1:@{[ $t->port('redis') ]} user=pimap "
    . 'password_file=redis.password');
$check->run();
$check->is('redis.acl:right', 'fail', qr/PUBLISH: NOPERM/, qr/install\.md/,
    'a user without PUBLISH');
unlike($check->{text}, qr/word"/, '    its password is not printed');
$redis->command('ACL', 'SETUSER', 'pimap', '+publish', '-xadd');
$check->run();
$check->is('redis.acl:right', 'fail',
    qr/FCALL pimap_post: .*(?:can't run|no permission)/, qr/install\.md/,
    'a user without a command that the functions call');
$redis->command('ACL', 'SETUSER', 'pimap', '+xadd', '-fcall');
$check->run();
$check->is('redis.functions:right', 'fail', qr/NOPERM/, qr/install\.md/,
    'a user without FCALL');
$redis->command('ACL', 'SETUSER', 'pimap', '+fcall', '-subscribe');
$check->run();
$check->is('redis.acl:right', 'fail', qr/SUBSCRIBE: NOPERM/, qr/install\.md/,
    'a user without SUBSCRIBE');
$redis->command('ACL', 'SETUSER', 'pimap', '+subscribe', '-config',
    '-pubsub');
$check->run();
$check->is($_, 'unknown', qr/may not/, qr/--redis/, "a user that can't see $_")
    for 'redis.timeout:right', 'names.published:right';
address("redis://127.0.0.1:@{[ $t->port('redis') ]} user=pimap "
    . 'password=wrong');
$check->run();
$check->is('redis.connect:login', 'fail', qr/WRONGPASS/, qr/password=/,
    'a wrong password');
address("rediss://127.0.0.1:@{[ $t->port('redis') ]}");
$check->run();
$check->is('redis.connect:tls', 'fail', qr/./, qr/port has TLS/,
    'TLS, where Redis has none');

# The settings

address('unix:' . $redis->socket());
set('maxmemory' => '200mb', 'maxmemory-policy' => 'allkeys-lru');
$check->run();
$check->is('redis.eviction:policy', 'fail', qr/allkeys-lru/, qr/noeviction/,
    'Redis deletes keys');
set('maxmemory-policy' => 'noeviction', maxmemory => '1mb');
$check->run();
$check->is('redis.eviction:full', 'fail', qr/of 1 MB/, qr/maxmemory/,
    'Redis is full');
set(maxmemory => 0, appendonly => 'no');
$check->run();
$check->is('redis.persistence:none', 'warn', qr/AOF/, qr/appendonly yes/,
    'nothing is kept on the disk');
set(timeout => 3);
$check->run();
$check->is('redis.timeout:short', 'fail', qr/timeout is 3/, qr/timeout 0/,
    'Redis closes idle connections');
delete $redis->{client};            # it may be closed, too
set(timeout => 0);

my $replica = Pimap::Redis->new(t => $t, name => 'replica')->start();

$replica->follow($redis);
address('unix:' . $replica->socket());
$check->run();
$check->is('redis.server:replica', 'fail', qr/is a replica/, qr/master/,
    'a replica');

my $cluster = Pimap::Redis->new(t => $t, name => 'cluster',
    options => ['cluster-enabled yes'])->start();

address('unix:' . $cluster->socket());
$check->run();
$check->is('redis.server:cluster', 'fail', qr/a node of a cluster/,
    qr{cluster://},
    'a cluster');

# A disk that can't be written

address('unix:' . $redis->socket());
mkdir($t->dir() . '/gone');
set(dir => $t->dir() . '/gone');
rmdir($t->dir() . '/gone');
$redis->error('BGSAVE');
$t->wait_for(sub { $redis->command('INFO', 'persistence')
    =~ /rdb_last_bgsave_status:err/ }, 'an error of the disk');
$check->run();
$check->is('redis.persistence:disk', 'fail', qr/disk/, qr/disk is full/,
    'a disk that fails');

set(dir => $t->dir());
address('sentinel://127.0.0.1:' . $t->port('none') . '/mymaster');
$check->run();
$check->is('redis.connect:refused', 'fail', qr/refused/i, qr/Redis/,
    'no sentinel is there');
$check->text('--redis', 'http://x');
is($check->{status}, 2, 'a wrong --redis');


# Runs the check after this command.  The worker looks for the functions every
# five seconds, and may have loaded them before: then once more.

sub without {
    my (@command) = @_;

    $t->wait_for(sub {
        $redis->error(@command);
        $check->run()->result('redis.functions') ne 'pass';
    }, 'a check before the worker has loaded them');
}


sub set {
    my (%set) = @_;

    for my $name (sort { $b cmp $a } keys(%set)) {
        $redis->command('CONFIG', 'SET', $name, $set{$name});
    }
}


# nginx keeps what it has: only the file is another one.

sub address {
    my ($address) = @_;

    $t->nginx()->{bare} = 1;
    $t->nginx()->{http} =~ s/^pimap_redis .*\n//m;
    $t->nginx()->{http} = "pimap_redis $address;\n" . $t->nginx()->{http};
    $t->write_file($t->dir() . '/nginx.conf', $t->nginx()->conf());
}
