create database app
