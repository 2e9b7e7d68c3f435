#!/usr/bin/perl

# pimap-check finds no fault in the usual set-up.  It prints each check, in the
# order of docs/troubleshooting.md, and no secret.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Check;
use Pimap::Dovecot;

my $t = Pimap->new(mode => '');

$t->plan(14);
$t->redis(options => ['appendonly yes'], password => 'redis-secret')->start();

my $bridge = Pimap::Bridge->new(t => $t, redis => 'password = "redis-secret";',
    sessions => 'enabled = false;');

Pimap::Check->set_up($t, <<'EOT2', $bridge->auth_location());
            set $pimap_name $arg_account;
            auth_request /auth;
            auth_request_set $pimap_user $upstream_http_x_pimap_account;
            pimap_account $pimap_user;
EOT2
$t->nginx()->{http} = 'pimap_redis unix:' . $t->redis()->socket()
    . " password=redis-secret;\npimap_hibernate on;\n"
    . $t->nginx()->{http};
$t->nginx()->{bare} = 1;

my $dovecot = Pimap::Dovecot->new(t => $t, url => 'http://127.0.0.1:'
    . $t->port('http') . '/pimap/publish')->start();

$bridge->start();
$t->run();
Pimap::Check->ready($t);

# An account has had events.

$t->post('/pimap/publish?account=alice', '{"event":"MessageNew"}');

my $check = Pimap::Check->new(t => $t);

$check->run();
$check->only('', 'nothing fails, and nothing is a warning');
is($check->{status}, 0, '    the status of the program is 0');
is($check->{found}{result}, 'pass', '    JSON has the result');
is_deeply([ grep { $_->{result} !~ /^(?:pass|skip)$/
        || $_->{check} !~ /^\w+\.\w+$/ || $_->{text} eq '' }
        @{ $check->{found}{checks} } ], [], '    and each check');

my @steps = steps(map { $_->{check} } @{ $check->{found}{checks} });
my $page = $t->read_file($t->root() . '/docs/troubleshooting.md');

is(join(' ', @steps), 'nginx status redis delivery names dovecot bridge '
    . 'limits login', 'the steps, in order');
is(join(' ', map { lc } $page =~ /^## (?:\d+\. )?(\w+)/mg),
    join(' ', @steps), '    as in docs/troubleshooting.md');

my @source = map { $t->read_file($_) =~ /'([a-z]+\.[a-z0-9]+)(?:',|:[a-z])/g }
    glob($t->root() . '/check/pimap_check/step_*.py');
my %row = map { $_ => 1 } $page =~ /^\| `([a-z]+\.[a-z0-9]+)` \|/mg;
my %known = map { $_ => 1 } @source;

is_deeply([ sort(keys(%row)) ], [ sort(keys(%known)) ],
    '    which has each check by its name');

# The text

my $text = $check->text();

like($text, qr/^nginx: .*\n  pass +nginx\.configuration /, 'the text');
like($text, qr/\n\d+ passed, 0 failed, 0 warnings, 0 unknown, \d+ skipped\n\z/,
    '    ends with the numbers');
is($check->{status}, 0, '    with status 0');
unlike($text . $check->{text}, qr/secret/, '    and without a secret');

# A fault

$t->redis()->command('CONFIG', 'SET', 'maxmemory', '100mb');
$t->redis()->command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
like($check->text(), qr/\n  FAIL +redis\.eviction .*\n +do: set /,
    'a fault, and what to do');
is($check->{status}, 1, '    with status 1');

# Of the options

$check->text('--url', 'ftp://x');
is($check->{status}, 2, 'a wrong option: status 2');

$bridge->stop();


sub steps {
    my (@names, %seen) = @_;

    return grep { !$seen{$_}++ } map { /^(\w+)\./ } @names;
}
