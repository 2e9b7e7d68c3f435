package Pimap::ImapFlow;

# npm's imapflow, as another client of alice's.
#
#     my $flow = Pimap::ImapFlow->new(t => $t);
#     $flow->call('mailboxOpen', 'INBOX')->{exists}
#     $flow->call('idle');
#     $flow->told('flags')->{flags}

use strict;
use warnings;

use JSON::PP;
use Test::More import => [qw(diag)];
use Time::HiRes qw(time);

use Pimap::Missing;
use Pimap::Stream;

my $json = JSON::PP->new()->utf8();


sub new {
    my ($class, %set) = @_;

    my $t = $set{t};
    my $process = $t->start(pipe => 1, input => 1,
        errors => $t->dir() . '/imapflow.err',
        command => ['node', $t->root() . '/t/lib/imapflow.js',
            $t->port('imap')],
        env => { NODE_PATH => $t->root() . '/build/npm/node_modules' });

    return bless({ t => $t, process => $process, told => [],
        out => Pimap::Stream->new(process => $process, unchunked => 1,
            head => '') }, $class);
}


# When the last call was answered.

sub last { $_[0]{last} }


# Calls a method: its result, or the error's text.

sub call {
    my ($self, @call) = @_;

    $self->{process}->type($json->encode(\@call) . "\n");

    while (my $line = $self->_line()) {
        if (!$line->{told}) {
            $self->{last} = time();
            return $line->{error} // $line->{result};
        }

        push(@{ $self->{told} }, $line);
    }

    return Pimap::Missing->new();
}


# The next event of that name; others are dropped.

sub told {
    my ($self, $name) = @_;

    while (my $line = shift(@{ $self->{told} }) // $self->_line()) {
        return $line if ($line->{told} // '') eq $name;
    }

    return Pimap::Missing->new();
}


sub forget { $_[0]{told} = [] }


sub _line {
    my ($self) = @_;

    my $line = $self->{out}->read_until(qr/\A.*\n/);

    diag('imapflow: ' . $self->{t}->read_file($self->{t}->dir()
        . '/imapflow.err')) if !defined $line;

    return defined $line && $json->decode($line);
}


1;
