#!/usr/bin/perl

# pimap_revoke() keeps the time of a revocation in a hash, which is limited in
# size and expires.  It works when Redis has no memory left, too.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();
my $redis = $t->redis();
my $start = time() - 1;

$t->plan(14);
$t->run();
$t->wait_ready();

$redis->fcall(revoke => 'carol', 'phone');
is($redis->command('HGET', 'pimap:{carol}:revoked', 'phone') > $start, 1,
    'a device is revoked: Redis keeps the time');
cmp_ok($redis->command('TTL', 'pimap:{carol}:revoked'), '>', 29 * 86400,
    '    for 30 days');
$redis->fcall(revoke => 'carol', 'tv', 60);
cmp_ok($redis->command('TTL', 'pimap:{carol}:revoked'), '>', 29 * 86400,
    '    a shorter time does not shorten that');
$redis->fcall(revoke => 'carol');
is_deeply([$redis->command('HKEYS', 'pimap:{carol}:revoked')], [['']],
    'the account is revoked: it replaces its devices');

for (['x', '', 1], ['pimap:{a}', "a\nb"], ['pimap:{a}', 'x' x 1025],
    ['pimap:{a}', '', 0], ['pimap:{a}', '', 'x'], ['pimap:{a}', '', 1, 1],
    ['pimap:{a}', '', 367 * 86400])
{
    my ($key, @args) = @$_;

    like($redis->error('FCALL', 'pimap_revoke', 1, $key, @args),
        qr/^PIMAP bad (?:key|arguments)/, 'refused: ' . substr("@$_", 0, 30)
        =~ s/\n/ /r);
}

$redis->fcall(revoke => 'heidi', "d$_") for 1 .. 256;
like($redis->error('FCALL', 'pimap_revoke', 1, 'pimap:{heidi}', 'd257'),
    qr/too many devices are revoked/,
    'too many devices of an account: an error');
is($redis->fcall(revoke => 'heidi', 'd1'), 0,
    '    one of them can be revoked again');
$redis->command(qw(CONFIG SET maxmemory 1));
is($redis->fcall(revoke => 'heidi'), 0,
    'Redis has no memory left: an account can be revoked');
$redis->command(qw(CONFIG SET maxmemory 0));
