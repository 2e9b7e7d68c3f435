package Pimap::Check;

# Runs check/pimap-check on the test's servers, as an operator does.
#
#     my $check = Pimap::Check->new(t => $t);
#     $check->run('--devices', 10);
#     $check->is('redis.acl:right', 'fail', qr/NOPERM/, qr/install/, 'title');

use strict;
use warnings;

use JSON::PP;
use Test::More ();

use Pimap::Process qw(patience wait_for);


# t => the test; url => instead of /pimap/events by TLS; account, password;
# options => more of them; redis => 1: Redis with all rights, by --redis;
# without => qr/.../: options that are left out; as => [...] before the command

sub new {
    my ($class, %set) = @_;

    my $self = bless({ account => 'alice', password => 'secret',
        options => [], %set }, $class);
    my $t = $self->{t};

    $t->write_file($t->dir() . '/password', "$self->{password}\n");
    chmod(0600, $t->dir() . '/password');

    return $self;
}


# Sets up the test's nginx as integrations/nginx/pimap.conf does, but with
# passwords in a file, unless a login is given.

sub set_up {
    my ($class, $t, $login, $more) = @_;

    my $file = $t->dir() . '/htpasswd';
    my $nginx = $t->nginx();

    $t->write_file($file, join('', map { "$_:{PLAIN}secret\n" }
        qw(alice Alice alice@example.com)));
    chmod(0644, $file);

    $login //= "auth_basic pimap; auth_basic_user_file $file;";
    $more //= '';

    $nginx->{locations} = <<"EOT";
        location = /pimap/publish { pimap_publish; }
        location = /pimap/status  { pimap_status; }
EOT
    $nginx->{http} = <<"EOT";
    server {
        listen 127.0.0.1:@{[ $t->port('push') ]} ssl;
        server_name localhost;

        location = /pimap/events {
            $login
            pimap_events;
        }

        $more
    }
EOT

    return $nginx;
}


# Waits until workers can deliver, and have loaded the functions.

sub ready {
    my ($class, $t) = @_;

    $t->wait_for(sub { $t->get('/pimap/status?ready')->{status} == 200 },
        'readiness');
    $t->wait_for(sub { !$t->redis()->error(qw(FCALL pimap_version 0)) },
        'functions');
}


sub command {
    my ($self, @more) = @_;

    my $t = $self->{t};
    my $dir = $t->dir();
    my $url = $self->{url} // 'https://localhost:' . $t->port('push')
        . '/pimap/events';
    my @files = ('--ca-file', ($t->certificate())[0], '--conf',
        "$dir/nginx.conf", '--bridge-conf', "$dir/bridge.conf",
        '--dovecot-conf', "$dir/dovecot/dovecot.conf");
    my @redis = $self->{redis}
        ? ('--redis', 'unix:' . $t->redis()->socket()) : ();

    my @user = ('--url', $url, '--account', $self->{account},
        '--password-file', "$dir/password");
    my $without = $self->{without} // qr/^$/;

    return (@{ $self->{as} // [] }, $t->root() . '/check/pimap-check', @files,
        map({ $user[$_] =~ $without ? () : @user[$_, $_ + 1] } 0, 2, 4),
        @redis, '--timeout', patience(8), @{ $self->{options} }, @more);
}


# The result of each check; keeps the status of the program, and its output.

sub run {
    my ($self, @more) = @_;

    my $text = $self->text('--json', @more);
    my $found = eval { JSON::PP->new()->utf8()->decode($text) };

    Test::More::diag("no JSON: $text$self->{errors}") if !$found;

    $self->{found} = $found // { checks => [] };
    $self->{by} = { map { $_->{check} => $_ } @{ $self->{found}{checks} } };

    return $self;
}


sub text {
    my ($self, @more) = @_;

    my $dir = $self->{t}->dir();
    my $process = $self->{t}->start(command => [$self->command(@more)],
        output => "$dir/check.out", errors => "$dir/check.err");

    wait_for(sub { !$process->running() }, 120);

    $self->{status} = $process->{status} >> 8;
    $self->{text} = $self->{t}->read_file("$dir/check.out");
    $self->{errors} = $self->{t}->read_file("$dir/check.err");
    unlink("$dir/check.out", "$dir/check.err");
    $self->{t}->stop($process);

    return $self->{text};
}


sub result { ($_[0]{by}{$_[1]} // { result => 'missing' })->{result} }


# One test: the result, its words, and what to do.  What has not passed has
# the name of its finding after the check's, as in "redis.acl:right".

sub is {
    my ($self, $check, $result, $words, $do, $name) = @_;

    my $one = $self->{by}{$check =~ s/:.*//r} // {};
    my $got = join(' ', map { $one->{$_} // '' } qw(result finding text do));
    my $finding = $one->{check} && join(':', grep { defined }
        @$one{qw(check finding)});

    Test::More::ok(($one->{result} // '') eq $result && $finding eq $check
        && $one->{text} =~ $words && ($one->{do} // '') =~ $do, $name)
        or Test::More::diag("$check: $got\n" . $self->_faults());
}


# One test: all that has not passed, "redis.acl:right delivery.park:path".

sub only {
    my ($self, $expected, $name) = @_;

    my $got = join(' ', map { "$_->{check}:$_->{finding}" }
        grep { $_->{result} !~ /pass|skip/ } @{ $self->{found}{checks} });

    Test::More::is($got, $expected, $name)
        or Test::More::diag($self->_faults());
}


sub _faults {
    my ($self) = @_;

    return join('', map { "$_->{check}: $_->{text}\n" }
        grep { $_->{result} !~ /pass|skip/ } @{ $self->{found}{checks} });
}


1;
